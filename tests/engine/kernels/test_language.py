"""Language identification: sentences one can read, a slow twin, and the Declaration of Human Rights."""

import gzip
import json
import os
import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.engine.kernels import language
from tamis.engine.kernels import language_tables as tables

SENTENCES = [
    ("en", "Hey, could you help me fix the printer? It keeps jamming every morning."),
    ("en", "Write a short poem about my grandmother's garden, please."),
    ("es", "Hola, ¿me puedes explicar cómo funciona la hipoteca? No entiendo nada."),
    ("es", "Mañana tengo una entrevista de trabajo y estoy muy nervioso."),
    ("pt", "Oi, você pode me ajudar a escrever um e-mail para o meu chefe?"),
    ("pt", "Amanhã não vou conseguir ir à reunião porque o meu filho está doente."),
    ("fr", "Salut, tu peux me donner une recette facile pour ce soir ?"),
    ("de", "Kannst du mir bitte sagen, wie ich mein Passwort zurücksetzen kann?"),
    ("it", "Ciao, mi consigli un bel film da guardare stasera con gli amici?"),
    ("nl", "Kun je me helpen met het schrijven van een sollicitatiebrief?"),
    ("af", "Kan jy asseblief vir my sê hoe laat die winkel vandag oopmaak?"),
    ("sv", "Kan du berätta för mig hur man lagar pannkakor utan mjölk?"),
    ("da", "Kan du fortælle mig, hvad klokken er, og hvornår toget kører?"),
    ("no", "Kan du fortelle meg hva klokka er, og når toget går hjem?"),
    ("nn", "Eg veit ikkje kva eg skal gjere, men me kan sjå på det i morgon."),
    ("fi", "Voisitko auttaa minua kirjoittamaan sähköpostin pomolleni?"),
    ("et", "Kas sa saaksid mulle öelda, kuidas ma saan oma parooli muuta?"),
    ("hu", "Tudnál segíteni nekem megírni ezt a levelet a főnökömnek?"),
    ("pl", "Cześć, czy możesz mi pomóc napisać list motywacyjny?"),
    ("cs", "Ahoj, můžeš mi prosím poradit, jak opravit tu tiskárnu?"),
    ("sk", "Ahoj, môžeš mi prosím poradiť, ako opraviť túto tlačiareň?"),
    ("sl", "Živjo, mi lahko pomagaš napisati pismo mojemu šefu?"),
    ("hbs", "Bok, možeš li mi pomoći napisati pismo mojem šefu? Baš mi treba."),
    ("ro", "Bună, poți să mă ajuți să scriu un mesaj pentru șeful meu?"),
    ("sq", "Përshëndetje, a mund të më ndihmosh të shkruaj një letër?"),
    ("lt", "Labas, ar gali man padėti parašyti laišką mano viršininkui?"),
    ("lv", "Sveiki, vai vari man palīdzēt uzrakstīt vēstuli priekšniekam?"),
    ("tr", "Merhaba, bana yarın için kısa bir konuşma yazabilir misin?"),
    ("az", "Salam, mənə bu məktubu yazmaqda kömək edə bilərsən?"),
    ("vi", "Chào bạn, bạn có thể giúp tôi viết một lá thư cho sếp không?"),
    ("id", "Halo, bisa tolong jelaskan kenapa mobil saya nggak mau menyala?"),
    ("ms", "Boleh awak terangkan kenapa kereta saya tak boleh dihidupkan? Saya nak pergi kerja."),
    ("tl", "Kumusta, pwede mo ba akong tulungan sa pagsulat ng liham sa amo ko?"),
    ("sw", "Habari, unaweza kunisaidia kuandika barua kwa bosi wangu?"),
    ("ha", "Sannu, don Allah za ka iya taimaka mini in rubuta wasika zuwa ga shugabana?"),
    ("ca", "Hola, em pots ajudar a escriure un correu per al meu cap? Gràcies!"),
    ("gl", "Ola, pódesme axudar a escribir unha carta para o meu xefe? Moitas grazas."),
    ("eu", "Kaixo, lagunduko didazu nire nagusiari gutun bat idazten?"),
    ("ru", "Привет, помоги мне, пожалуйста, написать письмо начальнику."),
    ("uk", "Привіт, допоможи мені, будь ласка, написати листа начальникові."),
    ("bg", "Здравей, можеш ли да ми помогнеш да напиша писмо до шефа си?"),
    ("be", "Прывітанне, дапамажы мне, калі ласка, напісаць ліст начальніку."),
    ("sr", "Здраво, можеш ли да ми помогнеш да напишем писмо свом шефу?"),
    ("kk", "Сәлем, маған бастығыма хат жазуға көмектесе аласың ба?"),
    ("ar", "مرحبا، هل يمكنك مساعدتي في كتابة رسالة إلى مديري؟"),
    ("fa", "سلام، می‌توانید به من کمک کنید یک نامه برای رئیسم بنویسم؟"),
    ("ur", "سلام، کیا آپ خط لکھنے میں میری مدد کر سکتے ہیں؟"),
    ("hi", "नमस्ते, क्या आप मुझे मेरे बॉस के लिए एक पत्र लिखने में मदद कर सकते हैं?"),
    ("mr", "नमस्कार, तुम्ही मला माझ्या साहेबांना पत्र लिहायला मदत कराल का? मला वेळ नाही."),
    ("ne", "नमस्ते, के तपाईं मलाई मेरो हाकिमलाई चिठी लेख्न मद्दत गर्न सक्नुहुन्छ?"),
    ("bn", "হ্যালো, আপনি কি আমাকে একটি চিঠি লিখতে সাহায্য করতে পারেন?"),
    ("zh", "你好，可以帮我写一封给老板的邮件吗？"),
    ("ja", "こんにちは、上司へのメールを書くのを手伝ってくれますか。"),
    ("ko", "안녕하세요, 상사에게 보낼 이메일 쓰는 것을 도와주실 수 있나요?"),
    ("th", "สวัสดี ช่วยเขียนอีเมลถึงหัวหน้าให้หน่อยได้ไหม"),
    ("el", "Γεια σου, μπορείς να με βοηθήσεις να γράψω ένα γράμμα;"),
    ("he", "היי, אתה יכול לעזור לי לכתוב מכתב לבוס שלי?"),
    ("hy", "Բարև, կարո՞ղ ես օգնել ինձ նամակ գրել"),
    ("ka", "გამარჯობა, შეგიძლია დამეხმარო წერილის დაწერაში?"),
    ("ta", "வணக்கம், எனக்கு ஒரு கடிதம் எழுத உதவ முடியுமா?"),
    ("te", "నమస్తే, నాకు ఒక లేఖ రాయడంలో సహాయం చేస్తారా?"),
    ("kn", "ನಮಸ್ಕಾರ, ನನಗೆ ಪತ್ರ ಬರೆಯಲು ಸಹಾಯ ಮಾಡುತ್ತೀರಾ?"),
    ("ml", "നമസ്കാരം, ഒരു കത്തെഴുതാൻ എന്നെ സഹായിക്കാമോ?"),
    ("gu", "નમસ્તે, શું તમે મને પત્ર લખવામાં મદદ કરશો?"),
    ("pa", "ਸਤ ਸ੍ਰੀ ਅਕਾਲ, ਕੀ ਤੁਸੀਂ ਚਿੱਠੀ ਲਿਖਣ ਵਿੱਚ ਮੇਰੀ ਮਦਦ ਕਰੋਗੇ?"),
    ("am", "ሰላም፣ ደብዳቤ ለመጻፍ ልትረዳኝ ትችላለህ?"),
    ("my", "မင်္ဂလာပါ၊ စာရေးတာ ကူညီပေးလို့ရမလား။"),
    ("km", "សួស្តី តើអ្នកអាចជួយខ្ញុំសរសេរសំបុត្របានទេ?"),
    ("si", "ආයුබෝවන්, මට ලියුමක් ලියන්න උදව් කරන්න පුළුවන්ද?"),
]

# What chat rows really hold. "-": undetermined.
MIXED_ROWS = [
    ("-", ""),
    ("-", " \n\t "),
    ("-", "1234 5,678.90 (42%)"),
    ("-", "१२३ ४५६"),
    ("-", "😀🎉👍🏽 ❤️"),
    ("-", "https://example.com/a/b?c=d-e"),
    ("-", "user_id=42; x1 = foo.bar(baz)"),
    ("en", "def add(a, b):\n    # return the sum of both numbers, or zero when one is missing\n    return a + b"),
    ("fr", "Explique ce code, s'il te plaît\n```python\nfor item in values:\n    print(item)\n    return\n```"),
    ("en", "```\nfor every item in the list print the item and return the total\n```"),
    ("de", "**Wichtig:** Bitte öffne https://example.com/settings/privacy und lösche alle Cookies."),
    ("en", "WHY IS EVERYBODY SHOUTING AT ME TODAY??? 😡😡"),
    ("ru", "Как настроить nginx как reverse proxy в docker compose?"),
    ("zh", "请问 GPT-4 的 Transformer 架构是什么？"),
    ("ja", "東京都の人口は何人ですか"),
    ("fr", "L’été dernier, j’ai visité l’Italie avec mes amis"),
]


def rows_of(texts: list[str] | list[bytes]) -> tuple[np.ndarray, np.ndarray]:
    """The kernel's input: all bytes, and n + 1 offsets."""
    raw = [text if isinstance(text, bytes) else text.encode() for text in texts]
    offsets = np.cumsum([0, *map(len, raw)], dtype=np.int64)
    return np.frombuffer(b"".join(raw), dtype=np.uint8), offsets


def identify(texts: list[str] | list[bytes], languages: tuple[str, ...] | None = None) -> list[str]:
    """Codes, "-" where undetermined."""
    found = language.identify(*rows_of(texts), languages)
    return [language.CODES[code] if code >= 0 else "-" for code in found.code]


@pytest.mark.parametrize(("expected", "text"), SENTENCES)
def test_names_the_language_of_a_chat_message(expected: str, text: str) -> None:
    assert identify([text]) == [expected]


@pytest.mark.parametrize(("expected", "text"), MIXED_ROWS)
def test_sees_past_code_links_and_symbols(expected: str, text: str) -> None:
    assert identify([text]) == [expected]


def test_undetermined_rows_have_no_confidence() -> None:
    found = language.identify(*rows_of([text for code, text in MIXED_ROWS if code == "-"]))
    assert (found.code == -1).all()
    assert (found.confidence == 0).all()


def test_result_types_and_no_rows() -> None:
    found = language.identify(np.empty(0, dtype=np.uint8), np.zeros(1, dtype=np.int64))
    assert found.code.shape == found.confidence.shape == (0,)
    assert found.code.dtype == np.int16
    assert found.confidence.dtype == np.float32


def test_confidence_is_low_for_short_and_mixed_text() -> None:
    clear, short, mixed = language.identify(
        *rows_of(
            [
                "The weather was lovely, so we walked along the river until it got dark.",
                "ok",
                "The weather was lovely, so we walked along; dann hat es leider den ganzen Abend geregnet.",
            ]
        )
    ).confidence
    assert clear > 0.99
    assert short < 0.5
    assert mixed < 0.7


def test_confidence_orders_errors() -> None:
    """Halves of sentences: those found right are surer than those found wrong."""
    pieces = [(code, text[:25]) for code, text in SENTENCES]
    found = language.identify(*rows_of([text for _, text in pieces]))
    right = np.array([language.CODES[label] == code for label, (code, _) in zip(found.code, pieces, strict=True)])
    assert right.mean() > 0.85
    assert found.confidence[right].mean() > found.confidence[~right].mean() + 0.3


def test_only_the_given_languages_are_candidates() -> None:
    portuguese = "Oi, você pode me ajudar a escrever um e-mail para o meu chefe?"
    assert identify([portuguese], ("es", "en")) == ["es"]
    assert identify([portuguese], ("ru", "ja")) == ["-"]
    assert identify([portuguese, "Bok, možeš li mi pomoći napisati pismo?"], ("pt", "hr")) == ["pt", "hbs"]


def test_unknown_candidate_is_refused() -> None:
    with pytest.raises(ValueError, match=r"unknown language codes \['xx'\].*known are af, am"):
        identify(["hello"], ("en", "xx"))


def test_codes_are_sorted_unique_and_cover_the_data_file() -> None:
    assert language.codes() == tuple(sorted(set(language.CODES)))
    with np.load(Path(tables.__file__).parent / "data" / "language.npz", allow_pickle=False) as file:
        columns = {str(label) for script in tables.SHARED_SCRIPTS.values() for label in file[f"{script}_columns"]}
    assert columns - {"-"} | set(tables.SINGLE_SCRIPTS.values()) == set(language.CODES)


def scratch(text: bytes = b" ") -> language._Scratch:
    """Fresh kernel memory holding this sample."""
    size = max(2 * language.LONG_PIECE_BYTES + 32, len(text))
    memory = np.full(size, 32, dtype=np.uint8)
    memory[: len(text)] = np.frombuffer(text, dtype=np.uint8)
    scores = np.zeros(64, dtype=np.int32)
    letters = np.zeros(tables.N_SCRIPTS, dtype=np.int64)
    return language._Scratch(memory, letters, scores, scores.copy(), np.zeros(2 * size, dtype=np.int32))


def sample(text: bytes, limit: int = language.PIECE_BYTES) -> bytes:
    """What the kernel keeps of a row."""
    memory = scratch()
    data = np.frombuffer(text, dtype=np.uint8)
    n = language._sample(data, 0, len(data), limit, True, 1, tables.load_model(), memory)
    return memory.text[:n].tobytes()


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Hello, World!", " hello world "),
        ("ÀÉÎ Ž Ấ Ђ", " àéî ž ấ ђ"),
        ("don't l’eau", " don't l'eau"),
        ("see https://a.bc/d-e?f=g now", " see now"),
        ("call fooBar() or foo_bar, ok", " call or ok"),
        ("GPT4 2nd word", " word"),
        ("**bold** (yes) [no]", " bold yes no "),
        ("before ```code here``` after", " before after"),
        ("看https://a.bc/d的", " 看的"),
    ],
)
def test_sample_keeps_words_only(text: str, kept: str) -> None:
    assert sample(text.encode()).decode() == kept


def test_sample_is_bounded() -> None:
    assert len(sample(b"word " * 1000)) <= language.PIECE_BYTES + 8
    assert len(sample("словно ".encode() * 1000)) <= language.PIECE_BYTES + 8


def test_long_rows_are_also_read_in_the_middle() -> None:
    english = "The committee will meet again on Thursday to talk about the new budget. "
    german = "Der Ausschuss trifft sich am Donnerstag wieder, um über den Haushalt zu reden. "
    whole, half = language.identify(*rows_of([english * 20, english * 2 + german * 18])).confidence
    assert whole > 0.99
    assert half < 0.5


# --- the slow twin ---------------------------------------------------------------------------------------------------


@cache
def table(script: str) -> tuple[dict[int, np.ndarray], np.ndarray]:
    """Every n-gram and word of a script with its weights, and the priors, straight from the data file."""
    with np.load(Path(tables.__file__).parent / "data" / "language.npz", allow_pickle=False) as file:
        keys, weights = file[f"{script}_keys"].tolist(), file[f"{script}_weights"].astype(np.int64)
        return dict(zip(keys, weights, strict=True)), file[f"{script}_prior"].astype(np.int64)


def slow_scores(text: bytes, script: str) -> np.ndarray:
    """The score of each column: its prior, the longest n-gram ending at each byte, each word."""
    known, prior = table(script)
    scores = prior.copy()
    for end in range(1, len(text) + 1):
        for size in (5, 4, 3, 2):
            gram = int.from_bytes(text[max(0, end - size) : end], "big")
            if gram in known:
                scores += known[gram]
                break
    for word in text.split(b" ")[:-1]:
        scores += known.get(tables.word_key(word), 0)
    return scores


def fast_scores(text: bytes, script: int) -> np.ndarray:
    """The kernel's score of each of the 64 columns."""
    model, memory = tables.load_model(), scratch(text)
    memory.scores[:] = model.prior[script]
    language._add_votes(len(text), script, model, memory)
    return memory.scores


@given(
    st.one_of(
        st.text(st.sampled_from(" etaoinshrdlučçãéкоеанітаالمनकरहে"), max_size=120).map(str.encode),
        st.sampled_from([text for _, text in SENTENCES]).map(str.encode),
        st.binary(max_size=120),
    ),
    st.sampled_from(sorted(tables.SHARED_SCRIPTS)),
)
@settings(max_examples=300, deadline=None)
def test_scores_equal_the_slow_twin(raw: bytes, script: int) -> None:
    text = sample(raw, language.LONG_PIECE_BYTES) + b" "
    slow = slow_scores(text, tables.SHARED_SCRIPTS[script])
    fast = fast_scores(text, script)
    assert fast[: len(slow)].tolist() == slow.tolist()
    assert not fast[len(slow) :].any()


def test_verdict_is_the_best_column_of_the_slow_twin() -> None:
    with np.load(Path(tables.__file__).parent / "data" / "language.npz", allow_pickle=False) as file:
        columns = [str(label) for label in file["latin_columns"]]
    texts = [text for code, text in SENTENCES if sample(text.encode()).decode(errors="ignore").strip().isascii()]
    assert len(texts) > 5
    slow = [columns[int(np.argmax(slow_scores(sample(text.encode(), 256) + b" ", "latin")))] for text in texts]
    assert identify(texts) == slow


@given(st.lists(st.sampled_from([text for _, text in SENTENCES]) | st.text(max_size=60), max_size=12), st.data())
@settings(max_examples=60, deadline=None)
def test_batching_changes_nothing(texts: list[str], draw: st.DataObject) -> None:
    texts = [text.encode(errors="replace").decode() for text in texts]
    data, offsets = rows_of(texts)
    whole = language.identify(data, offsets)
    first = draw.draw(st.integers(0, len(texts)))
    last = draw.draw(st.integers(first, len(texts)))
    part = language.identify(data, offsets[first : last + 1])
    assert part.code.tolist() == whole.code[first:last].tolist()
    assert part.confidence.tolist() == whole.confidence[first:last].tolist()


def test_a_row_without_a_known_ngram_is_judged_without_the_row_before_it() -> None:
    unknown = "ǆ" * 5  # letters, but none that the model has seen
    for before in [text for _, text in SENTENCES[:6]]:
        alone, after = language.identify(*rows_of([unknown])), language.identify(*rows_of([before, unknown]))
        assert (after.code[1], after.confidence[1]) == (alone.code[0], alone.confidence[0])


@given(st.binary(max_size=900))
@settings(max_examples=300, deadline=None)
def test_broken_utf8_is_read_within_its_own_row(raw: bytes) -> None:
    """The bytes after a row never matter: alone or followed by continuation bytes, it gets the same answer."""
    alone = language.identify(*rows_of([raw]))
    followed = language.identify(*rows_of([raw, b"\x80\xbf\xa4" * 50]))
    assert alone.code[0] == followed.code[0]
    assert alone.confidence[0] == followed.confidence[0]
    assert 0 <= alone.confidence[0] <= 1


# --- the Universal Declaration of Human Rights -----------------------------------------------------------------------

# The 30 languages with most speakers (first and second language) among those the declaration is at hand in.
# Written variants are one language each: cmn_hans and cmn_hant, por_BR and por_PT. Telugu is not in the set.
THIRTY = {
    "eng": "en", "cmn_hans": "zh", "cmn_hant": "zh", "hin": "hi", "spa": "es", "arb": "ar", "fra": "fr", "ben": "bn",
    "por_BR": "pt", "por_PT": "pt", "rus": "ru", "urd": "ur", "ind": "id", "deu": "de", "jpn": "ja", "mar": "mr",
    "vie": "vi", "hau_NG": "ha", "tur": "tr", "swh": "sw", "tgl": "tl", "tam": "ta", "pes_1": "fa", "kor": "ko",
    "tha": "th", "jav": "jv", "ita": "it", "guj": "gu", "amh": "am", "kan": "kn", "pol": "pl", "ukr": "uk",
}  # fmt: skip


def sentences(declaration: str, at_least: int = 40) -> list[str]:
    """Sentences of at least 40 characters; 15 where a character is a syllable or a word."""
    found = re.split(r"(?<=[.;!?؛؟।])\s+|(?<=[。；])|\n", declaration)
    dense = re.compile("[\u3040-\u9fff\uac00-\ud7af]")
    return [text.strip() for text in found if len(text.strip()) >= (15 if dense.search(text) else at_least)]


@pytest.fixture(scope="module")
def declarations() -> dict[str, str]:
    path = Path(os.environ.get("TAMIS_DATA", "../shared/data")) / "langid-udhr" / "udhr2.jsonl.gz"
    if not path.exists():
        pytest.skip(f"no {path}: set TAMIS_DATA to a folder that holds langid-udhr/udhr2.jsonl.gz")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return {row["lang"]: row["text"] for row in map(json.loads, lines)}


@pytest.mark.parametrize("unit", ["sentences", "paragraphs"])
def test_declaration_of_human_rights(declarations: dict[str, str], unit: str) -> None:
    shares: dict[str, list[float]] = {}
    for name, code in THIRTY.items():
        whole = declarations[name]
        texts = sentences(whole)
        if unit == "paragraphs":
            texts = [text for text in whole.split("\n") if len(text.encode()) > 100]
        assert len(texts) > 5
        found = identify(texts)
        shares.setdefault(code, []).append(found.count(code) / len(found))
    accuracy = {code: float(np.mean(values)) for code, values in shares.items()}
    assert len(accuracy) == 30
    assert np.mean(list(accuracy.values())) >= 0.97, accuracy
    assert np.median(list(accuracy.values())) >= 0.99, accuracy
