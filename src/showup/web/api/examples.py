"""The documentation's examples of deliveries, which are too long to stand beside their routes."""

from showup.web.api.schemas import BOOKING_ID, EVENT_ID, Example

DELIVERY_ID = "9f8e7d6c-5b4a-5392-8170-6f5e4d3c2b1a"
DELIVERY: Example = {
    "id": DELIVERY_ID,
    "booking_id": BOOKING_ID,
    "deal_id": None,
    "event_id": EVENT_ID,
    "destination": "email",
    "kind": "confirmation",
    "recipient": "sarah.chen@acme.com",
    "state": "delivered",
    "because": None,
    "due_at": "2026-03-10T09:15:00Z",
    "delivered_at": "2026-03-10T09:15:06Z",
    "attempts": 2,
    "provider": "resend",
    "provider_id": "5f2c7a1e-0b3d-4c6e-9f81-2a7d4e6b8c90",
    "record": None,
    "found": {},
    "feedback": "delivered",
    "simulated": False,
    "workspace": "default",
    "created_at": "2026-03-10T09:15:00Z",
    "updated_at": "2026-03-10T09:15:06Z",
}
DELIVERY_STATUS: Example = DELIVERY | {
    "because": "Resend accepted it",
    "failures": 1,
    "next_try_at": None,
    "expires_at": "2026-03-11T09:14:59Z",
    "feedback_because": None,
    "feedback_at": "2026-03-10T09:15:09Z",
    "question": None,
}
DELIVERY_DETAIL: Example = DELIVERY_STATUS | {
    "question": None,
    "rendered_at": "2026-03-10T09:15:00Z",
    "attempt_history": [
        {
            "number": 1,
            "started_at": "2026-03-10T09:15:00Z",
            "ended_at": "2026-03-10T09:15:01Z",
            "outcome": "try_again",
            "because": "Resend answered 500",
        },
        {
            "number": 2,
            "started_at": "2026-03-10T09:15:05Z",
            "ended_at": "2026-03-10T09:15:06Z",
            "outcome": "delivered",
            "because": None,
        },
    ],
}
DELIVERY_CONTENT: Example = {
    "delivery_id": DELIVERY_ID,
    "rendered_at": "2026-03-10T09:15:00Z",
    "content": {
        "sender": "Our Brand <meetings@ourbrand.example>",
        "to": "sarah.chen@acme.com",
        "subject": "Confirmed: Intro call",
        "html": "<p>Your meeting is booked.</p>",
        "text": "Your meeting is booked.",
        "reply_to": "dana@ourbrand.example",
        "calendar": "BEGIN:VCALENDAR\r\n…\r\nEND:VCALENDAR\r\n",
        "calendar_method": "REQUEST",
        "headers": {},
    },
}
DELIVERY_RETRIED: Example = DELIVERY_DETAIL | {
    "state": "scheduled",
    "because": "due now, waiting to be sent",
    "delivered_at": None,
    "failures": 0,
    "next_try_at": "2026-03-10T10:00:00Z",
    "provider": None,
    "provider_id": None,
    "feedback": None,
    "feedback_at": None,
    "attempt_history": DELIVERY_DETAIL["attempt_history"][:1],
    "attempts": 1,
}
DELIVERY_WITHDRAWN: Example = DELIVERY_RETRIED | {
    "state": "withdrawn",
    "because": "withdrawn by key:crm",
    "next_try_at": None,
}
DELIVERY_CHOSEN: Example = DELIVERY_RETRIED | {
    "destination": "clickup",
    "kind": "booking.created",
    "question": {
        "until": "2026-03-10T13:15:00Z",
        "answered_by": "key:crm",
        "chosen": "86c2k4n1p",
        "candidates": [
            {
                "record": "86c2k4n1p",
                "name": "Sarah Chen",
                "url": "https://app.clickup.com/t/86c2k4n1p",
                "because": "the same name",
            }
        ],
    },
}
