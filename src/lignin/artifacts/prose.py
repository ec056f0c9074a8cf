"""Instructions to an agent that no honest text gives. Pure, deterministic, without a model.

A finding needs a verb and its object in one clause (read + a key file, send + a secret + an address),
not a word: a skill that teaches security names all of these things. What is forbidden, described or
quoted as an example is no instruction. `refuse` is for what has no honest use; `ask` for what may
have one and deserves a person's eyes. Whatever a reader of the page does not see (comments, encoded
text) is judged a step harder.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from lignin.artifacts.prose_passages import Passage, clauses, passages

Severity = Literal["refuse", "ask"]
_NEAR = 6

_VERB_READ = (
    r"\b(?:read|open|cat|print|show|collect|gather|copy|grab|dump|extract|retrieve|load|parse|include"
    r"|attach|append|paste|harvest|capture|record|base64|encode|tar|zip|archive|find|locate|take|note"
    r"|get|steal|export|echo|list|look up|look in|check)(?:s|ing)?\b"
)
_VERB_SEND = (
    r"\b(?:send|post|upload|submit|transmit|exfiltrate|forward|e-?mail|mail|push|share|publish|sync"
    r"|beacon|leak|relay|report|deliver|stream|transfer|curl|put|ship|ping|append|add|pass|embed|report"
    r"|include|encode|attach|copy)(?:s|ing)?\b"
)
_KEY_FILE = (
    r"(?:\.aws\b|\.ssh\b|\bid_(?:rsa|ed25519|ecdsa)\b|\.netrc\b|\.git-credentials|\.npmrc|\.pypirc|\.pgpass"
    r"|\.kube\b|kubeconfig|\.docker/config|\.gnupg|\.bash_history|\.zsh_history|\.config/(?:gcloud|gh)\b"
    r"|/etc/shadow|/etc/passwd|login keychain|keychain|/proc/(?:self|\d+)/environ|wallet\.dat"
    r"|cookies?\.sqlite|login data)"
)
_PRECIOUS = (
    rf"(?:{_KEY_FILE}|\.env\b|\bprintenv\b|\benv\b(?! var)|credentials?\b|\bapi[ _-]?keys?\b"
    r"|\b(?:access|auth|bearer|session|refresh|oauth|github|personal access)[ _-]tokens?\b|\btokens\b"
    r"|\b[A-Za-z]+_(?:api_key|token|secret|secret_access_key|access_key_id|password)\b"
    r"|\bpasswords?\b|\bpassphrases?\b|\bprivate keys?\b|\bssh keys?\b|\bsecrets?\b"
    r"|\benvironment variables?\b|\bseed phrases?\b|\bbrowser (?:cookies|history)\b)"
)
_PRIVATE = (
    r"(?:\b(?:conversation|chat|transcript|system prompt|user'?s? (?:prompts?|messages?|files?|code|data"
    r"|documents?|input|home|repository|source)|source (?:code|files?)|repository|codebase|clipboard"
    r"|shell history|command history|customer (?:data|records|list)|personal data|home (?:folder|directory)"
    r"|contents? of (?:the|every|each|all|any) (?:file|repo|project|folder|workspace)s?"
    r"|full (?:context|history)|context window|workspace|diff|working tree)\b)"
)
_DEST = (
    r"(?:https?://|ftp://|\bwebhook\b|\bendpoint\b|\b(?:our|my|the|this|a|an) (?:[\w-]+ ){0,2}(?:server|collector"
    r"|listener|gist|pastebin|bucket|service|url|host|address|domain|dashboard|mailbox|channel|api(?![ _-]?keys?))\b"
    r"|[\w.+-]+@[\w-]+\.\w+|\b\d{1,3}(?:\.\d{1,3}){3}\b|\b(?:[\w-]+\.)+(?:com|net|org|io|dev|app|xyz|ru|cn"
    r"|sh|site|online|example|test|invalid|info|me|co|link|click|top|tk)\b|\bquery (?:string|parameter)\b"
    r"|\bdns (?:query|lookup|name)\b|\b(?:pull request|issue|comment) (?:on|to|in)\b)"
)
_THAT = (
    r"\b(?:it|them|this|these|that(?: file)?|those|everything|all of it|the (?:results?|outputs?|contents?|values?"
    r"|files?|data|text|string|blob|archive|lines?|keys?|report|lot|dump|body|payload))\b"
)
_RUN = r"\b(?:run|execute|eval(?:uate)?|source|install|launch|start|exec|apply|follow|obey|perform)(?:s|ing)?\b"
_FETCH = (
    r"\b(?:download|fetch|curl|wget|pull|get|retrieve|load|read|open|visit|clone|grab)(?:s|ing)?\b"
)
_SHELL = r"(?:sudo\s+(?:-\w+\s+)*)?(?:env\s+)?(?:/bin/|/usr/bin/)?(?:ba|z|da|k)?sh\b|python[\d.]*\b|perl\b|node\b|ruby\b|iex\b|source\b"


@dataclass(frozen=True, slots=True)
class Rule:
    """Every pattern has to be found in one clause; `also` in it or near it."""

    name: str
    severity: Severity
    patterns: tuple[re.Pattern[str], ...]
    also: re.Pattern[str] | None = None


@dataclass(frozen=True, slots=True)
class ProseFinding:
    """What a rule found, in the words of the text. `where` says how it was hidden, or is empty."""

    rule: str
    severity: Severity
    text: str
    where: str


def _rule(name: str, severity: Severity, *patterns: str, also: str = "") -> Rule:
    made = tuple(re.compile(pattern, re.IGNORECASE) for pattern in patterns)
    return Rule(name, severity, made, re.compile(also, re.IGNORECASE) if also else None)


_HIDE = r"(?:tell(?:ing)?|mention(?:ing)?|inform(?:ing)?|notify(?:ing)?|reveal(?:ing)?|alert(?:ing)?|disclos(?:e|ing)|say(?:ing)?|explain(?:ing)?|report(?:ing)?|surfac(?:e|ing)|acknowledg(?:e|ing)|discuss(?:ing)?|announc(?:e|ing)|bring(?:ing)? up)"
_NOT = r"(?:do not|don'?t|never|must not|should not|shouldn'?t|without|avoid|refrain from|no need to|not)"
_PEOPLE = r"(?:user|human|operator|developer|owner|person|people|anyone|anybody|reviewer|maintainer|customer|them|him|her|client|team)"
_ACTS = r"(?:send|upload|post|copy|read|install|execute|run|exfiltrate|transmit|add|append|modify|collect|forward|delete|fetch|download|push|write|include|change|record)"
_GUARDS = (
    r"(?:sandbox(?:ing)?|approvals?|permission (?:prompts?|checks?|system)|permissions?|confirmations?"
    r"|guard-?rails?|safety|security (?:checks?|rules?|polic(?:y|ies)|controls?|warnings?|review|measures?|features?|software|settings?)"
    r"|polic(?:y|ies)|audit(?: log(?:s|ging)?)?|safeguards?|restrictions?|content filters?|firewall"
    r"|antivirus|seccomp|apparmor|selinux|lignin(?:'s)? \w+|verification|monitoring|protections?)"
)

RULES: tuple[Rule, ...] = (
    _rule("sends secrets out", "refuse", _VERB_SEND + r".{0,160}" + _PRECIOUS, _DEST),
    _rule("sends secrets out", "refuse", _VERB_SEND + r".{0,60}" + _THAT, _DEST, also=_PRECIOUS),
    _rule("sends private data out", "refuse", r"\b(?:send|post|upload|submit|transmit|exfiltrate|forward|e-?mail|leak|beacon|mirror|copy|put|relay|stream|curl|pipe)(?:s|ing)?\b.{0,80}" + _PRIVATE, _DEST),
    _rule("sends secrets", "ask", r"\b(?:send|post|upload|submit|transmit|exfiltrate|forward|e-?mail|leak)(?:s|ing)?\b.{0,60}" + _PRECIOUS),
    _rule("reads where secrets lie", "ask", _VERB_READ + r".{0,80}" + _KEY_FILE),
    _rule("collects secrets", "refuse", r"\b(?:include|put|paste|quote|embed|append|add|attach|print|echo|write|repeat|copy)(?:s|ing)?\b.{0,60}(?:" + _KEY_FILE + r"|\b(?:contents?|values?) of (?:\S+ ){0,4}?" + _PRECIOUS + r").{0,60}\b(?:in|into|to|as|with) (?:the|your|every|each|a|an) (?:\w+ ){0,3}(?:answer|reply|response|output|summary|commit|issue|comment|pull request|url|header|query|file name|branch|message|title|description)\b"),
    _rule("sends private data out", "refuse", r"\b(?:cat|tar|env|printenv|zip|gpg|find|history|git (?:log|diff|bundle|archive)|base64|set|export)\b[^|\n]{0,120}\|[^\n]{0,80}\b(?:curl|wget|nc|ncat|socat|openssl s_client|ssh|http)\b[^\n]{0,120}?(?:" + _DEST + ")"),
    _rule("sends private data out", "ask", r"\bcurl\b[^\n]{0,160}\s(?:-T|-F|--form|--upload-file|(?:-d|--data(?:-binary|-raw)?)[ =]?['\"]?@)"),
    _rule("gives secrets away", "refuse", r"\b(?:copy|move|add|put|tar|zip|include|place)(?:s|ing)?\b.{0,80}" + _KEY_FILE + r".{0,160}\b(?:commit|push|publish|upload|attach|share|send)\b"),
    _rule("gives secrets away", "refuse", r"\b(?:end|begin|start|finish|close|sign|prefix|suffix|top|tail)\b (?:each|every|your|the|all|any) (?:\w+ ){0,2}?(?:answers?|repl(?:y|ies)|responses?|messages?|commits?|summar(?:y|ies)|comments?|reports?)\b.{0,140}" + _PRECIOUS),
    _rule("gives secrets away", "refuse", r"(?:" + _PRECIOUS + r") (?:are|is|get|gets|be) (?:\w+ )?(?:printed|shown|logged|echoed|exposed|dumped|uploaded|published)\b"),
    _rule("speaks in riddles", "refuse", r"\b(?:stands? for|means|is short for|refers? to|denotes|is (?:the )?(?:alias|code ?word|name) (?:of|for))\b.{0,80}" + _KEY_FILE, _DEST),
    _rule("speaks in riddles", "ask", r"\b(?:stands? for|is short for|denotes|is (?:the )?(?:alias|code ?word) (?:of|for))\b.{0,80}" + _KEY_FILE),
    _rule("speaks to the checkers", "refuse", r"\b(?:reviewers?|scanners?|auditors?|graders?|checkers?|moderat\w+|security tools?|automated (?:review|analysis|checks?))\b.{0,200}\b(?:(?:answer|report|reply|respond|return|output|say|conclude|mark|rate|classify|label|score)\b.{0,40}\b(?:safe|benign|clean|no (?:findings|issues|problems)|none|harmless|passed|trusted|approved)|(?:do not|don't|never|skip|stop|need not) (?:\w+ )?(?:analy[sz]e|scan|review|read|flag|report|inspect|check))\b"),
    _rule("speaks to the checkers", "ask", r"\b(?:this|the) (?:skill|file|text|document|tool|package)\b.{0,30}\b(?:was|is|has been|were)\b (?:\w+ )?(?:audited|pre-?approved|certified|verified|vetted|cleared|allow-?listed|whitelisted)\b"),
    _rule("runs remote code", "refuse", r"\b(?:curl|wget|fetch|irm|iwr|invoke-webrequest|http)\b[^|\n]{0,200}\|\s*(?:[\w/.-]+ [^|]{0,40}\|\s*)?(?:" + _SHELL + r")"),
    _rule("runs remote code", "refuse", r"(?:" + _SHELL + r"|\beval\b|\.)\s+(?:-\w+\s+)*(?:<\(|\"?\$\(|`)\s*(?:curl|wget)"),
    _rule("runs remote code", "refuse", r"\b(?:exec|eval)\s*\(.{0,60}(?:urlopen|requests\.get|httpx\.get|fetch)\b"),
    _rule("runs remote code", "refuse", _FETCH + r".{0,120}https?://", r"(?:\b(?:and|then|to|,)\s+(?:then |immediately |directly )?|^)" + _RUN + r".{0,40}(?:\b(?:it|them|that|the (?:script|file|code|result|binary|installer|program|commands?|contents?|payload|instructions?|steps?))\b)"),
    _rule("runs remote code", "refuse", _RUN + r" (?:the |any |all |whatever |every )?(?:script|code|binary|commands?|program|installer|payload|it|them)\b", also=_FETCH + r".{0,120}(?:https?://|from (?:the|this|our) (?:url|server|link|address|site))"),
    _rule("takes orders from elsewhere", "refuse", r"\b(?:follow|obey|execute|apply|carry out|do|perform|treat|act on|adopt|comply with)\b.{0,60}\b(?:instructions?|commands?|steps|rules|orders|directives|whatever|what it says|guidance|prompts?)\b.{0,80}(?:https?://|\b(?:gist|pastebin|remote|downloaded|returned|fetched|from (?:the|this|that|our) (?:url|page|server|site|link|response|endpoint))\b)"),
    _rule("takes orders from elsewhere", "refuse", _FETCH + r".{0,120}(?:https?://|\bgist\b|\bpastebin\b).{0,160}\b(?:follow|obey|carry out|do what|execute|apply|perform|adopt|comply)\b"),
    _rule("takes orders from elsewhere", "refuse", _FETCH + r".{0,80}\b(?:and|then)\b.{0,20}\b(?:follow|obey|act on|apply|carry out|comply with|adopt)\b.{0,20}\b(?:them|it|these|those|what)\b", also=r"https?://"),
    _rule("installs from an address", "refuse", r"\b(?:pip3?|uv|npm|yarn|gem)\b.{0,60}(?:--trusted-host|(?:-i|--index-url|--extra-index-url|--registry|--source)[ =]http://|http://)"),
    _rule("installs from an address", "ask", r"\b(?:pip3?|npm|npx|uvx?|gem|cargo|go|brew)\b.{0,30}\b(?:install|add|exec|get)?\b.{0,60}(?:git\+|https?://|--(?:extra-)?index-url|--registry|--find-links|--trusted-host)"),
    _rule("sets orders aside", "refuse", r"\b(?:ignore|disregard|forget|override|supersede|discard|bypass)(?:s|ing)?\b.{0,30}\b(?:all |any |every |your |the |these |those |other )*(?:previous|prior|above|earlier|existing|other|system|user'?s?|developer|safety|original|preceding|former)\b.{0,30}\b(?:instructions?|prompts?|rules?|messages?|guidelines?|directions?|context|polic(?:y|ies)|constraints?)\b"),
    _rule("sets orders aside", "refuse", r"(?:<\|?(?:im_start|system|endoftext)\|?>|\[/?INST\]|</?system(?:-reminder|_prompt)?>|<<SYS>>|\bnew system prompt\b|\[system\]|^\s*system:\s)"),
    _rule("sets orders aside", "refuse", r"\b(?:this|these|the following)\b.{0,40}\b(?:overrides?|takes? (?:precedence|priority) over|supersedes?|outranks?|replaces?)\b.{0,50}\b(?:user|system|developer|previous|prior|any|all|other|your)\b.{0,30}\b(?:instructions?|prompts?|rules?|requests?|guidelines?|polic(?:y|ies))\b"),
    _rule("disables a guard", "refuse", r"\b(?:disable|turn(?:ing)? off|switch(?:ing)? off|bypass|circumvent|deactivate|evade|override|work around|get around|kill|stop|uninstall|suppress|skip|ignore|remove|relax|loosen)(?:s|ing)?\b (?:\w+ ){0,3}?" + _GUARDS + r"\b(?! (?:of|for) (?:the )?(?:test|fixture)s?)"),
    _rule("disables a guard", "refuse", r"\b(?:(?:turn|switch|leave|keep)\b (?:\w+ )?(?:them|it|those|these|both)(?: all)? (?:off|disabled|down)|(?:disable|bypass|circumvent|kill) (?:them|it|those|these|both))\b", also=r"\b(?:checks|guards|hooks|" + _GUARDS[3:] + r"\b"),
    _rule("disables a guard", "refuse", r"\b(?:with|while|keep|leave|run|has|have|set|make sure|ensure)\b.{0,60}\b" + _GUARDS + r" (?:\w+ )?(?:disabled|off|turned off|switched off|bypassed|removed|suspended|stopped)\b"),
    _rule("disables a guard", "refuse", r"\bdangerously[A-Z]\w+|--dangerously-[\w-]+|--yolo\b|\bbypassPermissions\b|--approval-mode[ =](?:full-auto|never|yolo)|\bset(?:enforce)? 0\b|--no-sandbox\b|\bauto-?approve (?:all|every|any)\b|\bapprove (?:all|every|any) (?:\w+ )?(?:request|prompt|tool call|command)s?\b"),
    _rule("disables a check", "ask", r"--no-verify\b|\bverify\s*=\s*False\b|GIT_SSL_NO_VERIFY|NODE_TLS_REJECT_UNAUTHORIZED\s*=\s*['\"]?0|\bsslverify (?:false|0)\b|\bcurl\b[^\n]{0,80}\s(?:-k|--insecure)\b|--no-check-certificate|\bchmod (?:-R )?(?:0?777|a\+rwx)\b|StrictHostKeyChecking[ =]no|--skip-(?:tests|checks|verification)|--disable-[\w-]*(?:security|check)"),
    _rule("disables a check", "ask", r"\b(?:disable|turn off|switch off|bypass|skip|suppress|deactivate)(?:s|ing)?\b (?:\w+ ){0,2}?(?:signature|certificate|tls|ssl|checksum|hook|pre-?commit|linter|type check|code review|review)s?\b"),
    _rule("hides from the user", "refuse", rf"\b{_NOT} {_HIDE}\b.{{0,40}}\b{_PEOPLE}\b.{{0,40}}\b(?:this|it|that|these|about|what you|you (?:did|have|are|ran|sent|read)|step|upload|request|call)\b"),
    _rule("hides from the user", "refuse", rf"\b{_NOT} {_HIDE}\b (?:of |about |on )?\b(?:this|it|that|these|any of this|the (?:step|command|upload|request|call|file|instructions?|section|change|transfer|connection|telemetry|sync|copy|comment|note|hook))\b"),
    _rule("hides from the user", "refuse", r"\b(?:do not|don'?t|never|must not) (?:list|name|show|include|mention|quote|print|count|describe|note|log)\b (?:the |this |that |it|these |those )(?:\w+ )?(?:file|change|step|commit|command|request|upload|call|line|edit|transfer|address|host)?s?\b.{0,20}\b(?:in|to) (?:your|the|any) (?:answer|summary|report|reply|response|message|log|description|changelog|output|transcript)\b"),
    _rule("hides from the user", "ask", rf"\b{_NOT} (?:{_HIDE}|show(?:ing)?|ask(?:ing)?)\b.{{0,40}}\b(?:the|any|your) {_PEOPLE}\b"),
    _rule("hides from the user", "refuse", rf"\b(?:silently|secretly|covertly|quietly|discreetly|invisibly|unnoticed|stealthily|behind the scenes|without (?:\w+ ){{0,3}}(?:noticing|knowledge|knowing|consent|a trace|trace))\b.{{0,50}}\b{_ACTS}(?:s|ing)?\b"),
    _rule("hides from the user", "refuse", rf"\b{_ACTS}(?:s|ing)?\b.{{0,80}}\b(?:silently|secretly|covertly|discreetly|stealthily|unnoticed|without (?:the )?(?:user|anyone|anybody|them)(?:'s)? (?:noticing|knowing|knowledge|consent|being told)|without leaving a trace)\b"),
    _rule("hides from the user", "refuse", rf"\b(?:hide|conceal|keep|omit|leave out|withhold|mask|exclude)\b (?:\w+ ){{0,5}}?(?:from|out of) (?:the |your |any |all )?(?:\w+ )?(?:{_PEOPLE}|summary|transcript|log|logs|report|output|answer|response|history|diff)\b", r"\b(?:this|these|it|that|step|steps|request|requests|command|commands|upload|call|calls|action|actions|change|changes|transfer|instruction|instructions|section)\b"),
    _rule("hides from the user", "refuse", r"\b(?:delete|clear|erase|wipe|remove|truncate|unset|purge)(?:s|ing)?\b.{0,30}\b(?:(?:shell|bash|command|zsh|terminal) history|histfile|audit (?:logs?|trail)|traces? of|evidence|(?:your|the) tracks|system logs?)\b|\bhistory -c\b"),
    _rule("hides from the user", "refuse", r"\b(?:say|claim|pretend|report|answer|respond|tell (?:the )?\w+)\b.{0,40}\b(?:nothing (?:happened|was (?:sent|done|changed|read)|unusual)|that (?:no|nothing) (?:data|files?|network|request|was)\b.{0,30}(?:sent|made|left|read)|did not (?:happen|run))\b"),
    _rule("stays behind", "refuse", r"\b(?:add|append|write|put|install|insert|copy|echo)(?:s|ing)?\b.{0,120}authorized_keys"),
    _rule("stays behind", "ask", r"\b(?:add|append|write|put|install|insert|copy|echo|persist)(?:s|ing)?\b.{0,120}(?:\.bashrc|\.zshrc|\.profile|\.bash_profile|\bcrontab\b|/etc/cron|\.git/hooks|\bsystemd\b|\blaunchd\b|LaunchAgents|\bCLAUDE\.md\b|\bAGENTS\.md\b|\.claude/settings|\.cursor/rules|\bmcp\.json\b)"),
)  # fmt: skip

UNSEEN_RULES = (_rule("sends out unseen", "refuse", _VERB_SEND, r"https?://|" + _KEY_FILE),)
"""Of text that is hidden on purpose: encoded, or in no colour."""
_OPENLY = frozenset(["", "a comment", "a title", "character references"])
_FORBIDS = re.compile(
    r"(?:\b(?:never|do not|don'?t|must not|mustn'?t|should not|shouldn'?t|cannot|can'?t|may not|avoid(?:ing|s)?"
    r"|refus(?:e|es|ing) (?:to|any)|rather than|instead of|not|no|nor|without|stop|prevent(?:s|ing)?|forbid(?:s|den)?"
    r"|warn(?:s|ing)? (?:against|about)|beware of|against|nobody|none)\b(?:[ \t]+[\w'-]+){0,3}[ \t`\"']*)$",
    re.IGNORECASE,
)
_PROTECTS = re.compile(
    r"\b(?:redact|mask|scrub|strip|rotate|revoke|sanitis|sanitiz|anonymi|remove)\w*\b",
    re.IGNORECASE,
)
_FALSE_FORBIDS = re.compile(
    r"\b(?:never|do not|don'?t|must not|cannot|can'?t) (?:forget|fail|omit|skip|hesitate|neglect|wait|stop|miss)\b",
    re.IGNORECASE,
)
_DESCRIBES = re.compile(
    r"\b(?:(?:attackers?|intruders?|thie(?:f|ves)|adversar(?:y|ies)|malware|malicious|hostile|untrusted|compromised|poisoned"
    r"|phishing|injected|suspicious|rogue)\b.{0,120}|(?:look|search|scan|grep|watch|test|audit|review|inspect|flag|detect"
    r"|reject|refuse|block|spot|identify|beware|report|deny|fail|alert|remove|delete)(?:s|ed|ing)? (?:\w+ ){0,2}?(?:for|on"
    r"|of|any|whether|if|code|text|lines|skills?|scripts?|instructions?|calls|attempts|packages?|anything|every|all|commits?"
    r"|requests?|files?)\b.{0,60}\b(?:that|which|who|to|whether|if|with|containing|asking|telling)\b.{0,60}"
    r"|\b(?:it|they|text|pages?|messages?|this|that|which|who|somebody|someone|skills?|issues?|files?) (?:asks?|tells?|says?"
    r"|tries|wants?|urges?|instructs?|demands?|claims?)\b (?:\w+ ){0,3}?to\b.{0,60}"
    r"|\b(?:could|might|would|tries? to|attempts? to|trying to|used to|is meant to|designed to)\b.{0,20})$",
    re.IGNORECASE,
)
_EXAMPLE = re.compile(
    r"\b(?:examples?|such as|like|e\.?g|for instance|phrases?|patterns?|strings?|payloads?|injections?|says?|saying|attacks?"
    r"|red flags?|sentences?|prompts?)\b[^\"“”'`]{0,60}$",
    re.IGNORECASE,
)
_TEACHING = re.compile(
    r"\b(?:red flags?|attacks?|attackers?|anti-?patterns?|never|do not|don'?t|avoid|reject|refuse|suspicious|malicious"
    r"|signs of|warning signs|what to look for|look for|threats?|vulnerabilit(?:y|ies)|unsafe|forbidden|not allowed"
    r"|bad examples?|pitfalls|injections?|checklist|detect(?:s|ion)?|out of scope|rules of refusal)\b",
    re.IGNORECASE,
)


def read_prose(text: str) -> tuple[ProseFinding, ...]:
    """Return what an agent is told to do in a text that it should not be, each once."""
    found: dict[tuple[str, str], ProseFinding] = {}
    for passage in passages(text):
        for finding in _read(passage):
            found.setdefault((finding.rule, finding.text), finding)
    return tuple(found.values())


def _read(passage: Passage) -> Iterator[ProseFinding]:
    before: list[str] = []
    every = tuple(clauses(passage.text))
    for number, clause in enumerate(every):
        around = [*before, *(each.text for each in every[number + 1 : number + 3])]
        rules = RULES if passage.where in _OPENLY else (*RULES, *UNSEEN_RULES)
        broken = [rule for rule in rules if _is_broken(rule, clause.text, around)]
        if any(rule.severity == "refuse" for rule in broken):  # what is milder adds nothing
            broken = [rule for rule in broken if rule.severity == "refuse"]
        for rule in broken:
            severity = rule.severity
            if passage.where:
                severity = "refuse"
            elif clause.is_item and _TEACHING.search(clause.under):
                severity = "ask"
            shown = " ".join(clause.text.split())[:160]
            yield ProseFinding(rule.name, severity, shown, passage.where)
        before = [*before[-_NEAR:], "" if _FORBIDS.search(clause.text[:20]) else clause.text]


def _is_broken(rule: Rule, clause: str, around: list[str]) -> bool:
    if not all(pattern.search(clause) for pattern in rule.patterns):
        return False
    told = (each for each in (*around, clause) if not _PROTECTS.search(each))
    if rule.also is not None and not any(rule.also.search(each) for each in told):
        return False
    return any(not _is_no_order(rule, clause[:at]) for at in _places(rule.patterns[0], clause))


def _places(pattern: re.Pattern[str], clause: str) -> Iterator[int]:
    """Where a pattern matches, also within what an earlier match took up."""
    match = pattern.search(clause)
    while match is not None:
        yield match.start()
        match = pattern.search(clause, match.start() + 1)


def _is_no_order(rule: Rule, lead: str) -> bool:
    """Whether the words before it show that a clause forbids, describes or quotes an order."""
    lead = _FALSE_FORBIDS.sub("", lead)
    if _DESCRIBES.search(lead):
        return True
    if rule.name != "hides from the user" and _FORBIDS.search(lead):
        return True
    opened = max(lead.rfind(mark) for mark in "\"“`'")
    return opened >= 0 and _EXAMPLE.search(lead[:opened]) is not None
