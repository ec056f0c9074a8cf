"""Tokens that services issue, known by how they begin.

Owns that table. Refuses what only its surroundings give away: that is `secrets.py`.
"""

import re

import re2

from lignin.traces.shapes import EDGE, END, Detector, is_mixed, is_random, token

_HEX = rb"[0-9a-f]"
_WORD = rb"[A-Za-z0-9]"
_URL = rb"[A-Za-z0-9_-]"
_UUID = rb"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"


def _mixed(name: str, body: bytes, *triggers: bytes) -> Detector:
    return token(name, body, *triggers, accept=is_mixed)


_MODELS = (
    token("anthropic", rb"sk-ant-[a-z0-9]{2,10}-" + _URL + rb"{20,200}", b"sk-ant-"),
    token("langfuse", rb"[sp]k-lf-" + _UUID, b"sk-lf-", b"pk-lf-"),
    token("openrouter", rb"sk-or-v1-" + _HEX + rb"{64}", b"sk-or-v1-"),
    token("deepseek", rb"sk-" + _HEX + rb"{32}", b"sk-"),
    _mixed("openai", rb"sk-(?!ant-)(?:proj-|svcacct-|admin-|None-)?" + _URL + rb"{20,220}", b"sk-"),
    _mixed("groq", rb"gsk_" + _WORD + rb"{40,64}", b"gsk_"),
    _mixed("xai", rb"xai-" + _WORD + rb"{60,100}", b"xai-"),
    _mixed("perplexity", rb"pplx-" + _WORD + rb"{40,64}", b"pplx-"),
    _mixed("replicate", rb"r8_" + _WORD + rb"{37}", b"r8_"),
    _mixed("huggingface", rb"hf_" + _WORD + rb"{30,64}", b"hf_"),
    _mixed("nvidia", rb"nvapi-" + _URL + rb"{40,100}", b"nvapi-"),
    _mixed("cerebras", rb"csk-" + _WORD + rb"{40,64}", b"csk-"),
    _mixed("together", rb"tgp_v1_" + _URL + rb"{40,64}", b"tgp_v1_"),
    token("langsmith", rb"lsv2_(?:pt|sk)_" + _HEX + rb"{32}_" + _HEX + rb"{10}", b"lsv2_"),
    _mixed("tavily", rb"tvly-(?:dev-|prod-)?" + _WORD + rb"{30,64}", b"tvly-"),
    _mixed("pinecone", rb"pcsk_" + _WORD + rb"{3,8}_" + _WORD + rb"{40,80}", b"pcsk_"),
)

_CLOUDS = (
    token("aws-id", rb"(?:AKIA|ASIA)[A-Z2-7]{16}", b"akia", b"asia"),
    token("google", rb"(?:AIza" + _URL + rb"{35}|GOCSPX-" + _URL + rb"{28})", b"aiza", b"gocspx-"),
    _mixed("google-access", rb"ya29\." + _URL + rb"{20,1000}", b"ya29."),
    token("digitalocean", rb"do[opr]_v1_" + _HEX + rb"{64}", b"doo_v1_", b"dop_v1_", b"dor_v1_"),
    token("databricks", rb"dapi" + _HEX + rb"{32}(?:-\d)?", b"dapi"),
    _mixed("vault", rb"hv[sbr]\." + _URL + rb"{24,300}", b"hvs.", b"hvb.", b"hvr."),
    token("age", rb"AGE-SECRET-KEY-1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}", b"age-secret-key-1"),
    token(
        "doppler", rb"dp\.(?:pt|st|sa|ct)\." + _URL + rb"{0,40}\.?" + _WORD + rb"{40,44}", b"dp."
    ),
    token("pulumi", rb"pul-" + _HEX + rb"{40}", b"pul-"),
    _mixed("fly", rb"fm[12][ar]?_[A-Za-z0-9+/=_-]{40,1000}", b"fm1", b"fm2"),
    _mixed(
        "tailscale", rb"tskey-[a-z]{2,10}-" + _WORD + rb"{8,20}-" + _WORD + rb"{20,40}", b"tskey-"
    ),
    token(
        "supabase",
        rb"(?:sbp_" + _HEX + rb"{40}|sb_secret_" + _URL + rb"{24,64})",
        b"sbp_",
        b"sb_secret_",
    ),
    _mixed("planetscale", rb"pscale_(?:tkn|pw|oauth)_" + _URL + rb"{32,64}", b"pscale_"),
)

_CODE = (
    token(
        "github",
        rb"(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{22,255})",
        *(b"ghp_", b"gho_", b"ghu_", b"ghs_", b"ghr_", b"github_pat_"),
    ),
    _mixed(
        "gitlab",
        rb"gl(?:pat|dt|rt|ptt|cbt|soat)-[A-Za-z0-9_-]{20,300}(?:\.[0-9a-z]{2}\.[0-9a-z]{7,9})?",
        *(b"glpat-", b"gldt-", b"glrt-", b"glptt-", b"glcbt-", b"glsoat-"),
    ),
    _mixed(
        "atlassian", rb"AT(?:ATT3|CTT3|BB)[A-Za-z0-9_=-]{24,400}", b"atatt3", b"atctt3", b"atbb"
    ),
    _mixed("npm", rb"npm_" + _WORD + rb"{36}", b"npm_"),
    token("pypi", rb"pypi-" + _URL + rb"{50,500}", b"pypi-"),
    token("rubygems", rb"rubygems_" + _HEX + rb"{48}", b"rubygems_"),
    _mixed("docker-hub", rb"dckr_(?:pat|oat)_" + _URL + rb"{20,64}", b"dckr_"),
    token("postman", rb"PMAK-" + _HEX + rb"{24}-" + _HEX + rb"{34}", b"pmak-"),
    _mixed(
        "grafana", rb"(?:glsa_[A-Za-z0-9_]{40,64}|glc_[A-Za-z0-9+/=]{32,400})", b"glsa_", b"glc_"
    ),
    _mixed("sentry", rb"sntry[su]_[A-Za-z0-9+/=_-]{40,400}", b"sntrys_", b"sntryu_"),
    token("new-relic", rb"NRAK-[A-Z0-9]{27}", b"nrak-"),
)

_SERVICES = (
    token("slack", rb"(?:xox[abeoprs]|xapp)-[A-Za-z0-9-]{10,250}", b"xox", b"xapp-"),
    token(
        "stripe",
        rb"(?:(?:sk|rk)_(?:live|test)|whsec)_[A-Za-z0-9]{24,250}",
        *(b"sk_live_", b"sk_test_", b"rk_live_", b"rk_test_", b"whsec_"),
    ),
    _mixed("sendgrid", rb"SG\." + _URL + rb"{16,32}\." + _URL + rb"{32,64}", b"sg."),
    token("brevo", rb"xkeysib-" + _HEX + rb"{64}-" + _WORD + rb"{16}", b"xkeysib-"),
    token(
        "shopify",
        rb"shp(?:at|ca|pa|ss|ua)_" + _HEX + rb"{32}",
        *(b"shp" + kind + b"_" for kind in (b"at", b"ca", b"pa", b"ss", b"ua")),
    ),
    _mixed("square", rb"sq0(?:atp|csp)-" + _URL + rb"{22,43}", b"sq0atp-", b"sq0csp-"),
    _mixed("linear", rb"lin_(?:api|oauth)_" + _WORD + rb"{32,64}", b"lin_api_", b"lin_oauth_"),
    _mixed(
        "notion", rb"(?:secret_" + _WORD + rb"{43}|ntn_" + _WORD + rb"{40,60})", b"secret_", b"ntn_"
    ),
    _mixed("figma", rb"fig[dour]_" + _URL + rb"{36,64}", b"figd_", b"figo_", b"figu_", b"figr_"),
    # The bot's number stands before the colon and is no secret.
    Detector(
        name="telegram",
        pattern=re.compile(rb"(?<=[0-9]{8}):(?P<secret>AA" + _URL + rb"{33})" + END),
        triggers=(b":aa",),
        accept=is_mixed,
    ),
    # It begins with the bot's number in base64: a first letter of three, a second of four.
    Detector(
        name="discord",
        pattern=re.compile(
            EDGE
            + rb"(?P<secret>[MNO]"
            + _URL
            + rb"{22,28}\."
            + _URL
            + rb"{6}\."
            + _URL
            + rb"{27,40})"
            + END
        ),
        opening=re2.compile(rb"([MNO][DTjz][AEIMQUYcgk])"),
        accept=is_mixed,
    ),
    Detector(
        name="webhook",
        pattern=re.compile(
            rb"(?:hooks\.slack\.com(?:\\?/[A-Za-z0-9]{5,20}){3,4}|/webhooks\\?/[0-9]{15,22})"
            rb"\\?/(?P<secret>" + _URL + rb"{18,100})" + END
        ),
        triggers=(b"hooks.slack.com", b"/webhooks"),
        accept=is_mixed,
    ),
    Detector(
        name="twilio",
        pattern=re.compile(
            rb"(?i:twilio)[^\n]{0,120}?" + EDGE + rb"(?P<secret>SK" + _HEX + rb"{32})" + END
        ),
        triggers=(b"twilio",),
        accept=is_random,
    ),
)

_ANY = (
    token(
        "jwt",
        rb"eyJ[A-Za-z0-9_-]{8,4000}\.eyJ[A-Za-z0-9_-]{8,8000}\.[A-Za-z0-9_-]{16,4000}",
        b"eyj",
    ),
)

TOKENS: tuple[Detector, ...] = (*_MODELS, *_CLOUDS, *_CODE, *_SERVICES, *_ANY)
