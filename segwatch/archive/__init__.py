"""The hospital's archive (PACS), asked what it has and for it: by DICOM's network, or by DICOMweb."""
