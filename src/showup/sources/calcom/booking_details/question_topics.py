"""Recognises what a question of a booking form asks for, by its label or slug, in the languages that forms are in.

A question is about a topic if it has a word of the topic, and no other word except fillers: "Name of your company" asks
for the company, "Company size" does not.
"""

import re
import unicodedata
from typing import Final

from msgspec import Struct

_WORD: Final = re.compile(r"[^\W_]+")
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_E_MAIL: Final = re.compile(r"\be[- ](?=mail|post)")
# Letters that Unicode does not decompose into a plain letter and an accent.
_PLAIN_LETTERS: Final = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ı": "i", "æ": "ae", "œ": "oe"})


def fold(text: str) -> str:
    """Returns the text without case and accents."""
    decomposed = unicodedata.normalize("NFKD", text.casefold().translate(_PLAIN_LETTERS))
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(_E_MAIL.sub("e", fold(_CAMEL.sub(" ", text)))))


# Articles, pronouns and phrases around a topic, by language: en, de, fr, es, pt, nl, it, pl, Scandinavian and others.
_FILLERS: Final = _words(
    """
    a an the of your you our my me s is are what which do does at for with in from name work current full legal please
    enter optional required
    name ihr ihre ihrer ihres ihrem dein deine deiner deines deinem der die das des dem wie was welche welches welcher
    welchem heißt ist für bei von sie du arbeiten arbeitest bitte angeben
    nom de du des la le les l d votre vos ton ta quel quelle est dans pour vous travaillez obligatoire facultatif
    nombre del el los su sus tu tus cuál es para que en trabajas trabaja opcional
    nome da do o sua seu qual é em você trabalha
    naam van uw je jouw het wat welk welke voor werkt
    dell della dello il lo tua tuo vostra vostro quale per cui lavori
    nazwa twoja twojej twojego państwa jaka jaki jest w której pracujesz podaj
    namn på ditt din dit er ert vad heter hos arbetar navn jeres hvad hedder deres hva heter
    nimi mikä on název vaše vaší vašej jméno názov adı ismi nev neve az numele dumneavoastră
    название вашей ваша ваш имя назва вашої όνομα επωνυμία
    """
)


class QuestionTopic(Struct, frozen=True, kw_only=True):
    """What a question may ask for: the words that mean it, and further words that may stand around them."""

    words: frozenset[str]
    fillers: frozenset[str]

    def is_asked_by(self, question: str) -> bool:
        """Returns whether a label, or a slug, asks for this topic and nothing else."""
        found = _words(question)
        return not found.isdisjoint(self.words) and found <= self.words | self.fillers


SOURCE: Final = QuestionTopic(
    words=_words(
        """
        hear heard find found source referral referrer referred
        gehört gefunden aufmerksam erfahren quelle
        entendu connu trouvé source conosciuto sentito trovato conociste conoció encontraste encontró
        conheceu ouviu encontrou gehoord gevonden
        """
    ),
    fillers=_words(
        """
        how where did do you us about of from out who by our this the service company channel have first ever please
        wie wo woher haben hast sie du von uns auf auf wurden sind geworden über
        comment où avez vous as tu de nous parler entendu come dove ci hai di noi cómo dónde nos oíste has sobre
        como onde nos de sobre hoe waar heb heeft je u ons over
        """
    ),
)

COMPANY: Final = QuestionTopic(
    words=_words(
        """
        company companyname organization organisation organizationname organisationname employer business firm
        corporation
        firma firmenname unternehmen unternehmens unternehmensname arbeitgeber gesellschaft
        entreprise société compagnie organisme employeur raison sociale
        empresa compañía organización negocio razón social companhia organização empregador
        bedrijf bedrijfsnaam organisatie organisatienaam onderneming werkgever
        azienda società ditta impresa organizzazione ragione
        firmy przedsiębiorstwo przedsiębiorstwa spółka organizacja organizacji
        företag företagsnamn företaget företagets bolag arbetsgivare
        virksomhed virksomhedens virksomhedsnavn firmanavn selskab selskap bedrift bedriftsnavn
        yritys yrityksen yrityksesi organisaatio společnost společnosti spoločnosť podnik organizace
        cég cégnév vállalat companie companiei firmei şirket şirketi şirketiniz kurum
        компания компании организация организации фирма компанія компанії організація εταιρεία εταιρείας
        会社 会社名 企業名 御社名 貴社名 公司 公司名称 公司名稱 公司名 企业名称 회사 회사명 الشركة חברה
        """
    ),
    fillers=_FILLERS,
)

EMAIL: Final = QuestionTopic(
    words=_words(
        """
        email mail emailaddress mailadresse emailadresse courriel correo mailadres emailadres mejl mejladress
        epost epostadress epostadresse eposta posta sähköposti sähköpostiosoite почта пошта имейл
        メール メールアドレス 邮箱 电子邮件 電子郵件 이메일
        """
    ),
    fillers=_FILLERS
    | _words(
        """
        address adresse adresa adres adress dirección endereço indirizzo osoite адрес электронная
        electrónico electrónica eletrônico eletrónico elettronica elektronische
        work business professional best contact primary company corporate geschäftliche berufliche professionnel
        professionnelle profesional corporativo profissional aziendale zakelijk zakelijke służbowy jobb
        """
    ),
)

PHONE: Final = QuestionTopic(
    words=_words(
        """
        phone phonenumber telephone tel mobile cell cellphone whatsapp sms
        telefon telefonnummer handy handynummer mobilnummer mobil mobiltelefon rufnummer
        téléphone portable teléfono móvil celular telefone telemóvel telefoon telefoonnummer mobiel gsm
        telefono cellulare telefonu komórka komórkowy puhelin puhelinnumero matkapuhelin telefonní telefonszám
        телефон телефона 電話番号 电话 手机 手机号 電話 전화번호
        """
    ),
    fillers=_FILLERS
    | _words(
        """
        number no nr num numéro número numero nummer numer číslo numarası номер attendee contact direct reminder
        work business best primary kontakt
        """
    ),
)
