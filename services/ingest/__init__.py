"""CTs come in: from a watched folder, by C-STORE and by STOW-RS; complete, valid ones are announced once."""
