"""What people ask and correct again and again, across sessions: candidates for skills, rules, loops."""
