"""The hospital's own mask as DICOM has it: segmentations (SEG) and contours (RTSTRUCT), on CT voxels."""
