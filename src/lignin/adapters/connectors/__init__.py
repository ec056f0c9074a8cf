"""How far sides are spoken to: git hosts, chats, web hooks, mail."""
