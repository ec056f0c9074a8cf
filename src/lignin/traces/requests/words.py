"""The words of what people say: what makes a turn a redirection, and what makes two turns alike. Pure.

Cues are words of negation and redirection, whatever the subject, in the languages below; another
language is not heard, never misheard.
"""

import re
import unicodedata

_CUES = (
    # English
    r"no(?! longer| more)|nope|not|don'?t|do not|doesn'?t|never|always|instead|rather|stop|wrong|undo|revert|actually|"
    r"i (?:said|meant|asked|told)|you should(?:n'?t)?|shouldn'?t|must(?:n'?t)?|without|leave .{1,30} alone|"
    # German
    r"nein|nicht|kein\w*|nie|niemals|immer|statt|stattdessen|sondern|falsch|lieber|"
    # French
    r"non|pas|jamais|toujours|plutôt|au lieu|annule|faux|"
    # Spanish, Portuguese, Italian
    r"nunca|siempre|en vez de|en lugar de|mejor|não|sempre|em vez de|mai|invece|"
    # Dutch
    r"nee|niet|geen|nooit|altijd|in plaats van|"
    # Russian
    r"нет|не|никогда|всегда|вместо"
)
_UNSPACED = (
    r"不要|不是|不对|别|而是|改用|ではなく|じゃなくて|違う|ちがう|しないで|代わりに|いつも|必ず"
)
REDIRECTS = re.compile(rf"(?<!\w)(?:{_CUES})(?!\w)|{_UNSPACED}", re.IGNORECASE)
STANDING = re.compile(
    r"(?<!\w)(?:always|never|first|before|every time|from now on|immer|nie|zuerst|vorher|toujours|"
    r"jamais|d'abord|avant|siempre|nunca|primero|antes|sempre|mai|prima|altijd|nooit|eerst|"
    r"всегда|никогда|сначала)(?!\w)|いつも|必ず|总是|先",
    re.IGNORECASE,
)
_DROPPED = re.compile(
    r"\[redacted:[^\]]*\]|https?://\S+|\S+@\S+|\S*[/\\]\S+|\S*\d\S*|\S+\.(?:py|js|ts|md|txt|json|ya?ml|toml|sh)\b"
)
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
_UNSPACED_RUN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]+")
_CUE_WORD = re.compile(rf"(?:{_CUES}|meant|said|asked|told)\Z", re.IGNORECASE)
_COURTESY = frozenset(
    ["please", "pls", "thanks", "thank", "you", "hi", "hello", "hey", "ok", "okay", "now", "then"]
    + ["just", "also", "can", "could", "would", "the", "and", "for", "to", "of", "bitte", "danke"]
    + ["jetzt", "der", "die", "das", "und", "für", "por", "favor", "gracias", "merci", "le", "la"]
)
MAX_WORDS = 40


def words_of(text: str) -> frozenset[str]:
    """Return what a turn is recognised by: its words in one form, without values and courtesies.

    Paths, numbers, addresses and names of files vary between uses and are left out; so are words that
    only negate. Scripts without blanks go by pairs of characters.
    """
    plain = _DROPPED.sub(" ", unicodedata.normalize("NFKC", text).casefold())
    found: dict[str, None] = {}
    for run in _UNSPACED_RUN.findall(plain):
        for place in range(max(1, len(run) - 1)):
            found[run[place : place + 2]] = None
    for word in _WORD.findall(_UNSPACED_RUN.sub(" ", plain)):
        if len(word) > 1 and word not in _COURTESY and not _CUE_WORD.match(word):
            found[word[:-1] if len(word) > 4 and word.endswith("s") else word] = None
    return frozenset(list(found)[:MAX_WORDS])
