"""What `tuixuan doctor` looks at. It builds nothing and changes nothing."""
