"""What Resend says of the mails that it took from us: signed webhooks, in; what each means for a delivery, out."""
