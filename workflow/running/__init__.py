"""The pieces of the training programs, one idea a file; `workflow/train.py` puts them together."""
