"""Language models behind interfaces."""
