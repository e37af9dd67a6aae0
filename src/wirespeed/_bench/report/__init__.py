"""What a run of `wirespeed bench` shows: tables, charts, progress and a JSON file."""
