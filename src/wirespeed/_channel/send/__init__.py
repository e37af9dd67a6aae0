"""The sending half of the data path: frames gathered into few writes."""
