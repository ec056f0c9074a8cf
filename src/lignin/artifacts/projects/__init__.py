"""What Lignin writes into a project for the agent clients used in it, and takes out again.

Files are only ever added to, in place: no byte that was there is changed, so what is ours can be cut out
again and the rest is as it was. Clients say what they need and where (`artifacts/clients`).
"""
