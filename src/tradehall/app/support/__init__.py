"""What a support desk asks of the house beside what its people can do themselves."""
