"""The output of `wirespeed bench`: tables, charts, progress and a JSON file."""
