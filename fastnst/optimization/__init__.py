"""The job `optimize`: one photo painted by descending on its pixels (Gatys et al. 2016; needs torch)."""
