"""Words for names of a population; every company's domain is below `.example`, a reserved name."""

FIRST_NAMES = (
    "Ada", "Amara", "Anna", "Björn", "Chloé", "Daniel", "Elif", "Emeka", "Fatima", "Giulia", "Hannah",
    "Ines", "Jürgen", "Kenji", "Lars", "Leïla", "Łucja", "Mateo", "Mei", "Nadia", "Noah", "Olga",
    "Priya", "Ravi", "Sofía", "Søren", "Tomás", "Uma", "Vera", "Wei", "Ximena", "Yusuf", "Zoë", "美咲",
    "Дмитрий", "Ελένη",
)  # fmt: skip

LAST_NAMES = (
    "Abara", "Almeida", "Bianchi", "Brandt", "Castro", "Chen", "Díaz", "Eriksen", "Fischer", "García",
    "Haddad", "Ibáñez", "Jansen", "Kowalski", "Köhler", "Lindqvist", "Moreau", "Müller", "Nakamura",
    "Novák", "O'Brien", "Okafor", "Peters", "Quinn", "Rossi", "Sørensen", "Tanaka", "Usman", "Vargas",
    "Weber", "Yılmaz", "Zhang",
)  # fmt: skip

COMPANY_WORDS = (
    "Alder", "Basalt", "Cobalt", "Delta", "Ember", "Fjord", "Garnet", "Harbor", "Indigo", "Juniper",
    "Kestrel", "Lumen", "Meridian", "Nimbus", "Onyx", "Prairie", "Quartz", "Ridge", "Summit", "Tundra",
    "Umber", "Vertex", "Willow", "Yarrow", "Zephyr",
)  # fmt: skip

COMPANY_TRADES = (
    "Analytics", "Builders", "Capital", "Dental", "Energy", "Foods", "Freight", "Health", "Insurance",
    "Labs", "Legal", "Logistics", "Média", "Partners", "Robotics", "Software", "Studios", "Systems",
)  # fmt: skip

PERSONAL_DOMAINS = ("gmail.com", "yahoo.com", "outlook.com", "icloud.com", "hotmail.com")

SMS_DOMAIN = "sms.cal.com"

PLACES = (
    ("Europe/Berlin", "de"), ("Europe/Madrid", "es"), ("Europe/Lisbon", "pt"),
    ("Europe/London", "en"), ("America/New_York", "en"), ("America/Los_Angeles", "en"),
    ("America/Sao_Paulo", "pt"), ("Asia/Tokyo", "ja"), ("Asia/Kolkata", "en"),
    ("Australia/Sydney", "en"), ("Africa/Lagos", "en"), ("UTC", "en"),
)  # fmt: skip

NOTES = (
    "",
    "",
    "We would like to see pricing for about 40 seats.",
    "Please send the agenda before – danke!",
    'Our current tool is "fine" & slow <really slow>.',
    "Zwei Themen:\n1. Anbindung\n2. Datenschutz",
)

CANCEL_REASONS = ("", "A conflicting appointment", "No longer needed", "Ich bin leider krank 🤒")
