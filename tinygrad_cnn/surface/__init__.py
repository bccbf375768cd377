"""What makes a Tensor pleasant: methods, creation, random numbers, printing, `out=`, names of arguments."""
