"""The gateway that workers connect to: who is there, what is sent to whom, and their answers."""
