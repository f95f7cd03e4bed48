"""The statements that fill the tables from `given`, one row for each booking; `read_data` says what they contain."""

from typing import Final

from showup.campaigns.funnel import SEAT_OUTCOMES

# Of 1,024: what became of a booking, and of its meeting if it is over.
_STATUS: Final = """CASE WHEN g.chance < 120 THEN 'CANCELLED' WHEN g.chance < 150 THEN 'PENDING'
    WHEN g.chance < 180 THEN 'REJECTED' ELSE 'ACCEPTED' END"""
_NOW: Final = "timestamptz '2026-11-01T12:00:00Z'"
_IS_OVER: Final = f"g.chance >= 180 AND g.start_time < {_NOW}"
_ATTENDED: Final = f"""CASE WHEN {_IS_OVER} THEN
    CASE WHEN g.chance < 820 THEN true WHEN g.chance < 940 THEN false END END"""
_EVIDENCE: Final = f"""CASE WHEN {_IS_OVER} AND g.chance < 940 THEN
    CASE WHEN g.chance < 300 THEN 'assumed' ELSE 'reported' END END"""
_HOST_ABSENT: Final = f"{_IS_OVER} AND g.chance >= 1000"
_OUTCOME: Final = f"""CASE
    WHEN b.attended AND b.attendance_evidence = 'reported' THEN {SEAT_OUTCOMES["showed_reported"]}
    WHEN b.attended THEN {SEAT_OUTCOMES["showed_assumed"]} WHEN NOT b.attended THEN {SEAT_OUTCOMES["no_show"]}
    WHEN b.host_absent THEN {SEAT_OUTCOMES["host_absent"]} ELSE {SEAT_OUTCOMES["open"]} END"""

# Names and keys know no digits. Who is no lead has the name of one.
_FIRST: Final = "'Kim' || translate((g.person % 500)::text, '0123456789', 'bdfgklmnrt')"
_NAME: Final = f"CASE WHEN g.person % 10 < 7 THEN 'Person ' || g.person ELSE {_FIRST} || ' Fal' || g.letters END"

BOOKINGS: Final = (
    """
    INSERT INTO companies (id, workspace_id, key, name, domain, created_at, updated_at)
    SELECT DISTINCT ON (company) md5('company' || company)::uuid, workspace_id,
           format('domain:company%s.example', company), 'Company ' || company, format('company%s.example', company),
           start_time - interval '9 days', start_time
    FROM given ORDER BY company, n DESC
    """,
    """
    INSERT INTO people (id, workspace_id, email, name, time_zone, company_id, company_key, created_at, updated_at)
    SELECT DISTINCT ON (person) person_id, workspace_id, email, format('Person %s Number%s', person, person),
           (ARRAY['Europe/Berlin', 'America/New_York', 'Asia/Tokyo'])[1 + person % 3],
           md5('company' || company)::uuid, format('domain:company%s.example', company),
           start_time - interval '9 days', start_time
    FROM given ORDER BY person, n DESC
    """,
    f"""
    INSERT INTO deals (id, workspace_id, company_id, status, stage, owner_email, amount, currency, opened_by, position,
                       opened_at, stage_entered_at, closed_at, created_at, updated_at)
    SELECT DISTINCT ON (company) md5('deal' || company)::uuid, workspace_id, md5('company' || company)::uuid, status,
           CASE status WHEN 'active' THEN (ARRAY['booked', 'met', 'proposal'])[1 + company % 3] ELSE status END,
           format('host%s@outbound.example', company % 20), 1000 + company % 900, 'EUR', id, 0, start_time, start_time,
           CASE WHEN status <> 'active'
                THEN least(start_time + company % 40 * interval '1 day', {_NOW} - company % 700 * interval '1 hour')
           END,
           start_time, start_time
    FROM (SELECT *, (ARRAY['active', 'active', 'active', 'active', 'won', 'won', 'lost', 'lost', 'lost', 'cancelled'])
                    [1 + company % 10] AS status FROM given) g
    ORDER BY company, n DESC
    """,  # noqa: S608  # expressions of this module
    f"""
    INSERT INTO bookings (id, workspace_id, account_id, calcom_uid, calcom_booking_id, person_id, company_id, deal_id,
                          title, start_time, end_time, booked_at, status, attended, attendance_evidence, host_absent,
                          organizer_email, organizer_name, event_type, source, reschedule_count, meeting_url, uids,
                          created_at, updated_at)
    SELECT g.id, g.workspace_id, g.account_id, 'uid' || n, n::text, g.person_id, md5('company' || company)::uuid,
           md5('deal' || company)::uuid, format('Intro call with Person %s', person), g.start_time,
           g.start_time + interval '30 minutes', g.booked_at, {_STATUS}, {_ATTENDED}, {_EVIDENCE},
           {_HOST_ABSENT}, format('host%s@outbound.example', n % 20), 'Host ' || n % 20,
           (ARRAY['intro', 'intro', 'intro', 'demo', 'review'])[1 + chance % 5],
           CASE WHEN chance % 3 = 0 THEN 'unknown' ELSE 'source' || chance % 7 END,
           CASE WHEN chance % 9 = 0 THEN 1 + chance % 2 ELSE 0 END,
           'https://meet.example/' || n, '[]', g.booked_at, g.start_time
    FROM given g
    """,  # noqa: S608  # expressions of this module
    f"""
    INSERT INTO booking_attendees (booking_id, position, person_id, email, match_key, attendee_key, company_key, name,
                                   attended, attendance_evidence)
    SELECT g.id, 0, g.person_id, g.email, g.email, g.email, format('domain:company%s.example', company),
           {_NAME}, {_ATTENDED}, {_EVIDENCE}
    FROM given g
    """,  # noqa: S608  # as above
    """
    INSERT INTO booking_refs (workspace_id, ref, booking_id) SELECT workspace_id, 'uid:uid' || n, id FROM given
    """,
)

LEADS: Final = (
    """
    INSERT INTO campaigns (workspace_id, id, source, name, created_at)
    SELECT (SELECT workspace_id FROM given LIMIT 1), 1000000000 + n, CASE n % 2 WHEN 0 THEN 'csv' ELSE 'emailbison' END,
           'Campaign ' || n, now()
    FROM generate_series(0, 49) n
    """,
    f"""
    INSERT INTO leads (id, workspace_id, email, first_name, last_name, name, company, family_key, first_key, created_at)
    SELECT md5('lead' || n)::uuid, workspace_id,
           CASE WHEN n % 10 < 7 THEN format('person%s@company%s.example', n, n % greatest(many * 3 / 10, 1))
                ELSE format('lead%s@other%s.example', n, n % 1000) END,
           CASE WHEN n % 10 < 7 THEN 'Person' ELSE {_FIRST} END,
           CASE WHEN n % 10 < 7 THEN 'Number' || n ELSE 'Fal' || letters END,
           'Person Number' || n, 'Company ' || n % 1000,
           CASE WHEN n % 10 < 7 THEN '' ELSE 'fal' || letters END,
           CASE WHEN n % 10 < 7 THEN '' ELSE lower({_FIRST}) END, now()
    FROM (SELECT n, n AS person, translate(n::text, '0123456789', 'bdfgklmnrt') AS letters, workspace_id,
                 count(*) OVER () AS many FROM given) g
    """,  # noqa: S608  # expressions of this module
    """
    INSERT INTO campaign_leads (workspace_id, campaign_id, lead_id, sent, first_sent_at, last_sent_at, replied,
                                replied_at, interested, interested_at, bounced, step, sender_email, shared)
    SELECT g.workspace_id, 1000000000 + (g.n + other) % 50, md5('lead' || g.n)::uuid, 1 + g.n % 4,
           start_time - interval '20 days', start_time - interval '10 days', g.n % 8 = 0,
           CASE WHEN g.n % 8 = 0 THEN start_time - interval '7 days' END, g.n % 12 = 0,
           CASE WHEN g.n % 12 = 0 THEN start_time - interval '6 days' END, g.n % 40 = 3,
           CASE WHEN g.n % 8 = 0 THEN 1 + g.n % 4 END, format('sender%s@mail.example', g.n % 30),
           g.n % 10 = 0
    FROM given g CROSS JOIN generate_series(0, 1) other WHERE other = 0 OR g.n % 10 = 0
    """,
    """
    INSERT INTO matches (id, workspace_id, booking_id, attendee, lead_id, lead_email, campaign_id, method, score,
                         evidence, state, event_id, actor, at)
    SELECT md5('match' || n)::uuid, workspace_id, id, email, md5('lead' || person)::uuid, email,
           1000000000 + person % 50, 'email', 1.0, '{"address": "it is the lead''s address"}', 'matched', id, 'showup',
           g.booked_at
    FROM given g WHERE person % 10 < 7
    """,
    f"""
    INSERT INTO funnel_seats (id, workspace_id, booking_id, lead_id, person_id, campaign_id, booked_at, start_time,
                              over_at, outcome, reported, simulated, organizer_email)
    SELECT m.id, m.workspace_id, b.id, m.lead_id, m.lead_id, m.campaign_id, b.booked_at, b.start_time, b.end_time,
           {_OUTCOME}, coalesce(b.attendance_evidence = 'reported', false), false, b.organizer_email
    FROM matches m JOIN bookings b ON b.id = m.booking_id WHERE b.status = 'ACCEPTED'
    """,  # noqa: S608  # as above
    f"""
    INSERT INTO funnel_seats (id, workspace_id, booking_id, person_id, booked_at, start_time, over_at, outcome,
                              reported, simulated, organizer_email)
    SELECT md5(b.id::text || ':' || g.email)::uuid, b.workspace_id, b.id, md5('unmatched' || g.email)::uuid,
           b.booked_at, b.start_time, b.end_time, {_OUTCOME}, coalesce(b.attendance_evidence = 'reported', false),
           false, b.organizer_email
    FROM given g JOIN bookings b ON b.id = g.id WHERE b.status = 'ACCEPTED' AND g.person % 10 >= 7
    """,  # noqa: S608  # as above
)

ACTIVITY: Final = (
    """
    INSERT INTO deliveries (id, workspace_id, booking_id, event_id, key, destination, kind, recipient, booking_version,
                            due_at, wake_at, state, delivered_at, created_at, updated_at)
    SELECT md5('delivery' || n)::uuid, workspace_id, id, id, 'confirmation:' || n, 'email', 'confirmation', email, 1,
           at, at, 'delivered', at, at, at
    FROM (SELECT *, booked_at AS at FROM given) g
    """,
    """
    INSERT INTO audit_log (workspace_id, number, at, event_id, actor, what, because, order_key, booking_id, person_id,
                           company_id, deal_id)
    SELECT workspace_id, row_number() OVER (ORDER BY booked_at, n DESC), booked_at, id, 'showup',
           'booking.made', 'Cal.com reported it', n::text, id, person_id, md5('company' || company)::uuid,
           md5('deal' || company)::uuid
    FROM given
    """,
)

FACTS: Final = """
    INSERT INTO booking_facts (booking_id, workspace_id, day, booked_day, ends_at, organizer, source, event_type,
                               simulated, state, lead_days, lead_hours, moves, confirmed, version, counted_version,
                               booked_at, seats, seats_showed, seats_missed)
    SELECT id, workspace_id, start_time::date, booked_at::date, end_time, organizer_email, source, event_type, false,
           CASE WHEN attended AND attendance_evidence = 'reported' THEN 'showed' WHEN attended THEN 'assumed'
                WHEN NOT attended THEN 'no_show' WHEN host_absent THEN 'host_absent'
                WHEN status = 'ACCEPTED' THEN 'open' ELSE lower(status) END,
           extract(day FROM start_time - booked_at), extract(epoch FROM start_time - booked_at) / 3600,
           reschedule_count, false, 1, 1, booked_at, seats, seats * coalesce(attended, false)::int,
           seats * coalesce(NOT attended, false)::int
    FROM (SELECT *, (status IN ('ACCEPTED', 'PENDING'))::int AS seats FROM bookings) b
"""

VISITS: Final = """
    INSERT INTO stage_visits (deal_id, position, workspace_id, day, organizer, source, event_type, simulated, stage,
                              outcome, hours)
    SELECT d.id, s.position, d.workspace_id, (d.opened_at + s.position * interval '5 days')::date, d.owner_email,
           'unknown', 'intro', false, s.stage, s.outcome, s.hours
    FROM (SELECT *, hashtext(id::text) & 511 AS chance FROM deals) d
    CROSS JOIN LATERAL (
        SELECT 0 AS position, 'booked' AS stage, CASE WHEN d.stage = 'booked' THEN 'open' ELSE 'onward' END AS outcome,
               CASE WHEN d.stage <> 'booked' THEN 24 + d.chance END AS hours
        UNION ALL SELECT 1, 'met', CASE WHEN d.status = 'active' THEN 'open' ELSE 'onward' END,
               CASE WHEN d.status <> 'active' THEN 12 + d.chance / 2 END WHERE d.stage <> 'booked'
    ) s
"""
