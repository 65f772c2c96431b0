"""The supervisor behind `tuixuan up`: starts the processes of one stack and keeps them alive."""
