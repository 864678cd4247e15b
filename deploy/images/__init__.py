"""The services' images: built with whatever engine is there, on a base from Debian where no registry is."""
