"""From the results of one's own nnU-Net to a served scorer with its evidence: `segwatch onboard`."""
