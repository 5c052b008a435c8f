"""Find and open the files of a checkpoint."""
