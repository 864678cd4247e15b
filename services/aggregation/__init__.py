"""The site's books as a process: counts studies, closes blocks under its policy, releases them once."""
