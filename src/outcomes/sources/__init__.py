"""Export files in, clean frames out; each row keeps the line of the file that it came from."""
