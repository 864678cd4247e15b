"""What leaves and what it costs: policy, slots, exact figures, bounds, noise, release."""
