"""segwatch: quality monitoring of lesion segmentation, as streaming services.

One folder a service (ingest, segmentation, features, scoring, aggregation, federation);
beside them what every service stands on: streaming, contracts and volumes.
"""
