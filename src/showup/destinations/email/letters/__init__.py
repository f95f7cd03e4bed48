"""What each kind of mail says, as data: templates show the same letter as HTML and as plain text."""
