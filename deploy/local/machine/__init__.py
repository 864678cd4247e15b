"""What the stack takes from the machine: fetched programs, ports, folders, processes."""
