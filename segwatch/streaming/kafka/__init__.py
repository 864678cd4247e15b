"""The log over Kafka: clients, their options and time-outs, what their errors mean."""
