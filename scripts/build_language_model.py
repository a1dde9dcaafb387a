"""Build `src/tamis/engine/kernels/data/language.npz` from the n-gram model inside a pinned PyPI wheel.

Source: py3langid 0.4.0 (BSD-3-Clause), naive Bayes over byte n-grams, trained on Wikipedia, Leipzig news, CC-100,
Tatoeba and GlotCC. We keep its log-probabilities and change what they are about: n-grams are folded the way the
kernel folds text (lower case, anything but letters is a space), split by script, centred and quantised.

    pip download --no-deps py3langid==0.4.0 -d /tmp/wheels
    python scripts/build_language_model.py /tmp/wheels/py3langid-0.4.0-py3-none-any.whl
"""

import argparse
import hashlib
import io
import lzma
import zipfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tamis.engine.kernels import language_tables as kernel

SHA256 = "c25bd038147951ba3a89efe9ec12cc7d2116cb6f311ff8af84ade398a8bc0616"
TARGET = Path(kernel.__file__).parent / "data" / "language.npz"
PAGES = kernel.script_pages()
STEP_NATS = 0.125  # one unit of a weight
ALIVE_NATS = 2.0  # an n-gram belongs to a script if one of its languages uses it e**2 times more than never
SPREAD_NATS = 1.0  # an n-gram that all languages of a script use alike says nothing
MAX_GRAMS = 46_000  # per script
Floats = npt.NDArray[np.float32]

# Columns per script, "label in the wheel" or "label:our code". Dialects the wheel separates are folded into one code.
COLUMNS = {
    "latin": "af az bs:hbs ca cs cy da de en eo es et eu fi fo fr fy ga gd gl ha hr:hbs ht hu id ig is it jv ku la lb "
    "lt lv mg ms mt nl nn no om pl pt ro rw sk sl sn so sq srl:hbs st sv sw tk tl tr uz vi xh yo zu zxx:-",
    "cyrillic": "ba be bg kk ky mk mn ru sr tg tt uk uzc:uz",
    "arabic": "ar ary:ar arz:ar sdh:ckb fa ps ug ur",
    "devanagari": "hi mr ne sa",
    "bengali": "as bn",
}
# Log-odds before reading a byte, in nats: how much more often a language is met in chat and web text than its
# neighbours. N-grams overlap, so naive Bayes counts each piece of evidence about three times: these are scaled too.
COMMON = "ar de en es fr hi id it nl pl pt ru tr vi"
RARE = "cy eo fo fy ga gd ht ig ku la lb lg mg mt nso om rw sa sn so st tk xh yo"
PRIOR_NATS = dict.fromkeys(COMMON.split(), 3.0) | dict.fromkeys(RARE.split(), -3.0) | {"id": 5.0, "sa": -6.0}
CUE_NATS = 4.0  # a cue word in favour of its languages
# Words that a reader would tell these languages by, from general knowledge: chat openers, and function words that
# differ between neighbours (id/ms, no/nn/da, hr/bs/sr, hi/mr/ne, xh/zu, es/pt/gl/ca, ru/uk/be/bg/mk, ar/fa/ur/ps).
CUES = {
    "en": "the and you is are what how please thanks thank hello hi hey of for with this that it can my i'm don't it's",
    "es": "hola gracias cómo qué por usted está es para con una los las el muy pero quiero puedes buenos días y del",
    "pt": "olá oi obrigado obrigada você não é como uma com os as muito mas quero pode bom dia por em também ao são e",
    "gl": "ola grazas non é unha coa cos polo pola moi pero tamén máis quero ao aos e nunha dende",
    "ca": "hola gràcies com què per això amb una els les és molt però vull pots bon dia i també més dels",
    "fr": "salut bonjour merci comment quoi pour vous est une les des très mais je veux peux avec dans et c'est pas ça",
    "it": "ciao grazie come cosa perché per lei è una gli della molto ma voglio puoi con nel buongiorno e non che di",
    "ro": "salut bună mulțumesc cum ce pentru este o și în cu foarte dar vreau poți sunt nu din care",
    "de": "hallo danke wie was warum für sie ist eine der die das sehr aber ich kannst mit und nicht bitte ein guten",
    "nl": "hallo bedankt hoe wat waarom voor u is een het de heel maar ik kun met en niet alsjeblieft van dat",
    "af": "hallo dankie hoe wat hoekom vir u is 'n het die baie maar ek kan met en nie asseblief van dat",
    "sv": "hej tack hur vad varför för är en ett det mycket men jag kan med och inte snälla från efter någon också",
    "da": "hej tak hvordan hvad hvorfor for er en et det meget men jeg kan med og ikke fra efter nogen noget også "
    "af dig mig kun mere blev bliver gør uge selv ud op nu",
    "no": "hei takk hvordan hva hvorfor for er en et det mye men jeg kan med og ikke fra etter noen noe også "
    "av deg meg bare mer ble blir gjør uke selv ut opp nå",
    "nn": "hei takk korleis kva kvifor for er ein eit det mykje men eg kan med og ikkje frå etter nokon noko òg "
    "av deg meg berre meir vart gjer veke sjølv ut opp no dei ho vere medan sidan kvar",
    "is": "hæ halló takk hvernig hvað hvers fyrir er og ekki ég þú með það mjög en",
    "fi": "hei moi kiitos miten mitä miksi on ja ei minä sinä kanssa se mutta voitko hyvää tämä että",
    "et": "tere aitäh kuidas mis miks on ja ei mina sina see aga palun väga kui",
    "hu": "szia helló köszönöm hogyan mi miért van és nem én te egy az de kérem jó hogy",
    "pl": "cześć dzień dobry dziękuję jak co dlaczego dla jest i nie ja ty z się ale proszę bardzo czy w to",
    "cs": "ahoj dobrý den děkuji jak co proč pro je a ne já ty s se ale prosím velmi který jsem",
    "sk": "ahoj dobrý deň ďakujem ako čo prečo pre je a nie ja ty s sa ale prosím veľmi ktorý som",
    "sl": "živjo hvala kako kaj zakaj za je in ne jaz ti z se ampak prosim zelo ki sem",
    "hbs": "bok zdravo hvala kako što šta tko ko zašto za je i ne ja ti s se ali molim gdje gde vrijeme vreme također "
    "takođe tokom tijekom ovdje ovde lijepo lepo riječ reč svijet svet čovjek čovek kao više samo može treba",
    "sr": "и не шта што је да се на у здраво хвала како али ја ти то за са",
    "sq": "përshëndetje faleminderit si çfarë pse për është dhe nuk unë ti me një por të që",
    "lt": "labas ačiū kaip kas kodėl yra ir ne aš tu su tai bet prašau labai kad",
    "lv": "sveiki paldies kā kas kāpēc ir un nav es tu ar tas bet lūdzu ļoti ka",
    "tr": "merhaba selam teşekkürler nasıl ne neden için ve bir bu ben sen ile ama lütfen çok değil mı mi var",
    "az": "salam təşəkkür necə nə niyə üçün və bir bu mən sən ilə amma çox deyil var",
    "uz": "salom rahmat qanday nima nega uchun va bir bu men sen bilan lekin juda emas bor",
    "vi": "xin chào cảm ơn như thế nào là gì tại sao cho và không tôi bạn với có của được những một các này",
    "id": "halo terima kasih bagaimana apa kenapa untuk dan tidak saya yang dengan ini itu bahwa karena bisa kamu "
    "nggak gak banget uang mobil kantor kapan silakan coba mau butuh gimana kualitas universitas aktivitas polisi "
    "maret agustus senin jumat kesehatan berbeda resmi saat pemerintah mengatakan masing inggris pria aja udah "
    "tapi tanggal nomor informasi daftar layanan yaitu internasional setelah namun sejumlah gak bahkan "
    "kebijakan",
    "ms": "helo terima kasih bagaimana apa kenapa untuk dan tidak saya yang dengan ini itu bahawa kerana boleh awak "
    "tak nak wang kereta pejabat bila sila cuba mahu kualiti universiti aktiviti polis mac ogos isnin jumaat kesihatan "
    "berbeza rasmi kerajaan ialah daripada inggeris sahaja encik syarikat bandar negeri kedai macam dah adakah "
    "tetapan fail mesti hendaklah tarikh nombor maklumat senarai perkhidmatan iaitu antarabangsa kebangsaan sebarang "
    "manakala sekiranya kanak ralat pelbagai selepas berkenaan ",
    "jv": "piye matur nuwun ora aku sing kang iku lan ing kanggo karo wong ana wis saka marang utawa kowe",
    "tl": "kumusta salamat paano ano bakit para sa at hindi ako ikaw ang mga ng na ay po ko mo",
    "sw": "habari asante jambo vipi nini kwa nini na si mimi wewe ya wa ni kwamba hii au",
    "ha": "sannu nagode yaya me da ba ni kai a na ya ta wannan don ko kuma cikin shi",
    "so": "salaan mahadsanid sidee maxaa waa iyo ma aan aniga adiga oo ka ku la in",
    "yo": "báwo ẹ ṣé kí ni àti kò mo o pẹ̀lú jẹ́ ní fún wọn",
    "ig": "kedu daalụ gịnị na abụghị m gị bụ ndị nke ya",
    "zu": "sawubona ngiyabonga kanjani futhi noma ukuthi kodwa kanye umuntu yini mina wena ngoba",
    "xh": "molo enkosi njani kwaye okanye kuba kunye umntu yintoni mna wena ngokuba into",
    "eu": "kaixo eskerrik asko nola zer zergatik da eta ez ni zu bat du dira",
    "ga": "dia go raibh maith cad conas agus is ní mé tú leis an na ar",
    "cy": "helo diolch sut beth pam yw a ddim fi ti gyda y yr yn mae",
    "mt": "bonġu grazzi kif x'inhu għaliex u mhux jien int ma' il li ta'",
    "ru": "привет здравствуйте спасибо пожалуйста как что почему для это и не я ты вы с но мне где когда или был",
    "uk": "привіт дякую будь ласка як що чому для це і не я ти ви з але мені де коли або є та був в",
    "be": "прывітанне дзякуй калі ласка як што чаму для гэта і не я ты вы з але мне дзе калі або ёсць быў",
    "bg": "здравей здравейте благодаря моля как какво защо за това и не аз ти с но къде когато или е да се са че в",
    "mk": "здраво благодарам те молам како што зошто за ова и не јас ти со но каде кога или е да се во дека",
    "kk": "сәлем рахмет қалай не неге үшін және бұл мен сен емес бар",
    "mn": "сайн байна уу баярлалаа яаж юу яагаад болон энэ би чи биш",
    "ar": "مرحبا شكرا كيف ما ماذا لماذا في من على إلى هذا هذه هل أن التي الذي لا أنا أنت و مع كان",
    "fa": "سلام ممنون مرسی چطور چه چرا برای که از در به را این است می های شما من با نیست یک و لطفا",
    "ur": "سلام شکریہ کیسے کیا کیوں ہے ہیں میں کا کی کے کو سے اور نہیں یہ آپ ہم پر ایک براہ تھا",
    "ps": "سلام مننه څنګه څه ولې دی ده چې په د کې سره او نه زه ته دا له",
    "ckb": "سڵاو سوپاس چۆن چی بۆچی لە بۆ بە کە و ئەم من تۆ نا ئەو",
    "hi": "नमस्ते धन्यवाद कृपया कैसे क्या क्यों है हैं का की के में से को और नहीं था थे थी यह वह कर करने लिए हो होता गया ने "
    "गये हुए द्वारा तथा तक इस उस साथ सभी रहा रही रहे कुछ बहुत अगर लेकिन क्योंकि जब चाहिए सकते करना दिया "
    "पर एक ही भी तो मैं हम आप मुझे कोई किसी अपने अपनी उसके उसकी जो किया जाता सकता या",
    "mr": "नमस्कार धन्यवाद कृपया कसे काय का आहे आहेत आणि नाही मी तू तुम्ही आम्ही मला तुला त्या त्याच्या हा ही हे होते होता होती "
    "केले करा साठी मध्ये पण किंवा असे या व एक आपण तर त्यांनी येथे झाले झाली करण्यात येईल पाहिजे खूप सर्व शकता कोणत्याही आपल्या",
    "ne": "नमस्ते धन्यवाद कृपया कसरी के किन छ छन् हो र मा लाई गर्न गर्नुहोस् भएको हुन्छ थियो तपाईं म मलाई यो त्यो पनि तर वा गर्ने "
    "भने छु गरेको सबै धेरै उनी नेपाल हुने रूपमा बाट सकिन्छ गरी यस भयो हुनेछ छैन हामी कुनै आफ्नो लागि एक",
    "sa": "नमस्ते अस्ति च न भवति सः अहम् इति सन्ति अपि तत् वा एव",
    "bn": "নমস্কার ধন্যবাদ কেমন কি কেন আছে এবং না আমি তুমি আপনি এই যে করে জন্য ও",
    "as": "নমস্কাৰ ধন্যবাদ কেনেকৈ কি কিয় আছে আৰু নাই মই তুমি আপুনি এই যে কৰি বাবে",
}


def read_wheel(path: Path) -> tuple[list[bytes], Floats, list[str]]:
    """The model's n-grams, their log-probabilities (n_grams, n_classes) and the class labels."""
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    if digest != SHA256:
        raise SystemExit(f"{path}: sha256 {digest}, expected {SHA256}")
    with zipfile.ZipFile(io.BytesIO(content)) as wheel:
        archive = lzma.decompress(wheel.read("py3langid/data/model.npz.xz"))
    with np.load(io.BytesIO(archive), allow_pickle=False) as model:
        grams = _spell_out(model["nextmove"].reshape(-1, 256), model["nextmove_row"], model["out_feat"])
        labels = [str(label) for label in model["classes"]]
        table = model["ptc"].astype(np.float32)
    seen: set[str] = set()
    for i, label in enumerate(labels):  # sr and uz come twice: Cyrillic and Latin
        if label in seen:
            labels[i] = {"sr": "srl", "uz": "uzc"}[label]
        seen.add(label)
    return grams, table, labels


def _spell_out(moves: npt.NDArray[Any], row_of: npt.NDArray[Any], feature_of: npt.NDArray[Any]) -> list[bytes]:
    """The string of each feature of an Aho-Corasick automaton: the shortest way to the state that emits it."""
    spelled = {0: b""}
    queue = [0]
    for state in queue:
        for byte, after in enumerate(moves[row_of[state]].tolist()):
            if after not in spelled:
                spelled[after] = spelled[state] + bytes([byte])
                queue.append(after)
    grams = [b""] * (int(feature_of.max()) + 1)
    for state, text in spelled.items():
        if feature_of[state] >= 0:
            grams[feature_of[state]] = text
    return grams


def fold(gram: bytes) -> bytes:
    """What the kernel would make of these bytes: lower case, single spaces; cut characters at the ends stay."""
    tail = b""
    head = b""
    while gram and gram[0] & 0xC0 == 0x80:
        head, gram = head + gram[:1], gram[1:]
    for back in (1, 2, 3):
        if len(gram) >= back and gram[-back] >= 0xC0 and len(gram[-back:].decode(errors="ignore")) == 0:
            gram, tail = gram[:-back], gram[-back:]
    out = bytearray(head)
    for letter in gram.decode(errors="replace"):
        letter = "'" if letter == "\u2019" else letter
        if letter == "'" or letter.isalpha() or _is_mark(letter):
            small = letter.lower()
            out += (small[0] if len(small) > 1 else small).encode()
        elif out[-1:] != b" ":
            out += b" "
    return bytes(out + tail)


def _is_mark(letter: str) -> bool:
    raw = letter.encode()
    return len(raw) > 1 and PAGES[(raw[0] & 63) << 6 | raw[1] & 63] > 0


def merge(grams: list[bytes], table: Floats) -> tuple[list[bytes], Floats]:
    """Add up the probabilities of n-grams that fold to the same bytes."""
    groups = defaultdict(list)
    for i, gram in enumerate(grams):
        folded = fold(gram)
        if 2 <= len(folded) <= kernel.MAX_GRAM and folded.strip():
            groups[folded].append(i)
    keys = sorted(groups)
    return keys, np.stack([np.logaddexp.reduce(table[groups[key]], axis=0) for key in keys])


def select(grams: list[bytes], table: Floats, latin: bool) -> tuple[list[int], Floats]:
    """This script's most telling n-grams as keys, best first, and their weights (n, n_columns) in nats."""
    has_latin = np.array([any(97 <= byte <= 122 for byte in gram) for gram in grams])
    centred = table - table.mean(axis=1, keepdims=True)
    keep = (table.max(axis=1) - table.min() > ALIVE_NATS) & (np.ptp(table, axis=1) > SPREAD_NATS)
    if not latin:
        keep &= ~has_latin
    worth = np.where(keep, (np.exp(table) * np.abs(centred)).mean(axis=1), 0)
    best = np.argsort(-worth, kind="stable")[: min(MAX_GRAMS, int(keep.sum()))]
    return [int.from_bytes(grams[i], "big") for i in best], centred[best]


def cues(script: int, columns: list[str]) -> tuple[list[int], Floats]:
    """Keys of the cue words written in this script, and their weights (n, n_columns) in nats."""
    rows: dict[int, Floats] = {}
    for code, words in CUES.items():
        for word in words.split():
            raw = word.encode()
            if code in columns and (PAGES[(raw[0] & 63) << 6 | raw[1] & 63] if raw[0] > 127 else 1) == script:
                row = rows.setdefault(kernel.word_key(raw), np.zeros(len(columns), dtype=np.float32))
                row[[i for i, column in enumerate(columns) if column == code]] = CUE_NATS
    return list(rows), np.stack(list(rows.values()))


def fitting(keys: list[int]) -> list[int]:
    """Which keys find room in the kernel's hash table of two slots a bucket, in order; the rest is left out."""
    mask = np.uint64(kernel.table_size(len(keys)) - 1)
    filled: dict[int, int] = defaultdict(int)
    chosen = []
    for i, key in enumerate(keys):
        bucket = int(kernel.bucket(np.uint64(key), mask))
        filled[bucket] += 1
        if filled[bucket] <= 2:
            chosen.append(i)
    return chosen


def build(wheel: Path) -> dict[str, npt.NDArray[Any]]:
    """The arrays of the data file."""
    grams, table, labels = read_wheel(wheel)
    grams, table = merge(grams, table)
    arrays: dict[str, npt.NDArray[Any]] = {}
    for number, script in kernel.SHARED_SCRIPTS.items():
        text = COLUMNS[script]
        pairs = sorted((name.partition(":")[2] or name, name.partition(":")[0]) for name in text.split())
        columns = [labels.index(label) for _, label in pairs]
        cue_keys, cue_weights = cues(number, [code for code, _ in pairs])
        gram_keys, gram_weights = select(grams, table[:, columns], script == "latin")
        keys, nats = cue_keys + gram_keys, np.concatenate([cue_weights, gram_weights])
        chosen = sorted(fitting(keys), key=keys.__getitem__)
        arrays[f"{script}_keys"] = np.array([keys[i] for i in chosen])
        arrays[f"{script}_weights"] = np.clip(np.round(nats[chosen] / STEP_NATS), -127, 127).astype(np.int8)
        arrays[f"{script}_table_size"] = np.array(kernel.table_size(len(keys)))
        arrays[f"{script}_columns"] = np.array([code for code, _ in pairs])
        prior = [PRIOR_NATS.get(code, 0.0) / STEP_NATS for code, _ in pairs]
        arrays[f"{script}_prior"] = np.round(prior).astype(np.int32)
    return arrays


def main() -> None:
    """Write the data file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheel", type=Path)
    arrays = build(parser.parse_args().wheel)
    TARGET.parent.mkdir(exist_ok=True)
    np.savez_compressed(TARGET, **arrays)  # type: ignore[arg-type]
    for name, array in arrays.items():
        if name.endswith("_weights"):
            print(f"{name}: {array.shape[0]} n-grams x {array.shape[1]} columns")
    print(f"{TARGET}: {TARGET.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
