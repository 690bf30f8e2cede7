"""What a user declares: functions, their triggers and flow control, checked when declared."""
