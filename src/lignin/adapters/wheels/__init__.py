"""The wheel cache: resolving through pip, keeping wheels by content, unpacking them into sets."""
