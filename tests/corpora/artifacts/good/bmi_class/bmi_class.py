def classify(weight_kg: float, height_m: float) -> str:
    """WHO class of the body mass index."""
    index = weight_kg / height_m**2
    for limit, name in ((18.5, "underweight"), (25, "normal"), (30, "overweight")):
        if index < limit:
            return name
    return "obese"
