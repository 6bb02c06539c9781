"""Where an event's text says the user is: in which application, on which site, in which file. Plain rules, no model."""

from __future__ import annotations

import re
from dataclasses import dataclass

BROWSER, ELSEWHERE = "browser", "another application"

# An application by the words it goes by, as regular expressions; capitals matter, so that a word is not a Word.
_APPLICATIONS = {
    "visual studio code": (r"Visual Studio Code", r"VS ?Code", r"Code\.exe"),
    BROWSER: (
        "[Bb]rowsers?", "[Bb]rowsing", "[Bb]rowses", "Chrome", "Chromium", "Firefox", "Safari", "Microsoft Edge",
        "new tabs?", "web ?pages?", "web ?sites?", "web application", "web interface", "on the web",
        "search (?:bar|box|page|query|results?)", "searche[sd] (?:on|for|the web|in)",
    ),
    "terminal": ("[Tt]erminal", "[Cc]ommand (?:line|prompt)", "PowerShell", r"cmd\.exe", "iTerm2?", "shell prompt"),
    "word": ("Microsoft Word", r"(?:in|to|of|opens|opened|switches to) Word\b"),
    "excel": ("Microsoft Excel", "Excel", "[Ss]preadsheet"),
    "slides": ("PowerPoint", "Keynote"),
    "mail": ("Outlook", "Thunderbird", "Apple Mail", "[Mm]ail (?:app|client|program)", "[Ii]nbox"),
    "chat": ("Slack", "Microsoft Teams", "Discord", "WeChat", "Telegram", "WhatsApp", "(?:team|group) chat"),
    "call": ("Zoom", "Google Meet", "video call", "FaceTime", "Webex"),
    "notes": ("Notion", "Obsidian", "OneNote", "Evernote", "Apple Notes", "notes app", r"Notepad(?:\+\+)?"),
    "calendar": ("[Cc]alendar",),
    "files": ("File Explorer", r"Finder\b", "file manager", r"explorer\.exe"),
    "editor": (
        "PyCharm", "IntelliJ(?: IDEA)?", "Xcode", "Android Studio", "Eclipse", "Sublime Text", r"Vim\b", "Neovim",
        "Emacs", "Helix", "RStudio", "Jupyter", "Visual Studio(?! ?Code)",
    ),
    "database": ("DBeaver", "pgAdmin", "MySQL Workbench", "DataGrip", "TablePlus"),
    "music": ("Spotify", "Apple Music", "iTunes", r"VLC\b"),
    "drawing": ("Photoshop", "Figma", "Illustrator", "Blender", "GIMP", "Inkscape"),
    ELSEWHERE: ("(?:another|different|other|next) (?:application|app|program|window)",),
}  # fmt: skip
# A site by its name; what is on a site is in the browser.
_SITES = (
    "Google", "Bing", "Baidu", "DuckDuckGo", "Stack ?Overflow", "GitHub", "GitLab", "Gitee", "DeepSeek", "Kimi",
    "ChatGPT", "Claude", "Gemini", "CSDN", "Wikipedia", "YouTube", "Zhihu", "Reddit", "Medium", "Quora", "LinkedIn",
    "Twitter", "Facebook", "Instagram", "Gmail", "GeeksforGeeks", "Educative", "Scaler", "W3Schools", "MDN",
    "Tencent Cloud", "Juejin", "Overleaf", "Confluence", "Jira", "Grafana", "Trello", "Amazon", "arXiv", "PubMed",
    "Google Docs", "Google Scholar", "Google Sheets", "Google Drive",
)  # fmt: skip
_NAMED_SITE = re.compile(
    r"(?:the )?['\"“]?(?P<site>[A-Z][\w-]{1,40})(?:\.(?:com|io|org|net))?['\"”]?(?:'s|’s)? (?:website|site)\b"
)
_NO_SITE = frozenset({"the", "this", "that", "a", "web", "user", "users", "search", "another", "new"})
_DOMAIN = re.compile(
    r"\b(?:https?://)?(?:www\.)?(?P<name>[a-z0-9-]{1,60})\.(?P<end>com|org|net|io|ai|dev|edu|gov|co|cn|de|uk|fr|jp)\b"
    r"(?![\w(])",
    re.IGNORECASE,
)
_FILE = re.compile(
    r"(?<![\w@/])(?:[\w~.-]*[/\\])*(?P<file>\w[\w.-]{0,60}?(?: \(\d+\))?\.(?:pyi?|ipynb|jsx?|tsx?|java|kt|c|cc|cpp|h|"
    r"hpp|cs|go|rs|rb|php|swift|scala|r|jl|lua|sh|ps1|sql|html?|css|scss|vue|json|ya?ml|toml|ini|cfg|xml|csv|tsv|xlsx?|docx?|"
    r"pptx?|odt|ods|pdf|txt|md|rst|tex|log|png|jpe?g|gif|svg|psd|mp[34]|wav|zip))(?![\w(])",
    re.IGNORECASE,
)
# A quoted text, with the word before it where that says that it was typed, sought or read.
_QUOTED = re.compile(
    r"(?P<said>\b(?:typ(?:es?|ed|ing)|inputs?|enter(?:s|ed)|past(?:es?|ed|ing)|cop(?:y|ies|ied)|sa(?:ys?|id)|"
    r"writ(?:es?|ing)|wrote|prints?|shows?|for|query|text|message:?)\s+)?"
    r"(?<!\w)(?:'(?P<one>.{1,300}?)'|\"(?P<two>.{1,300}?)\"|‘(?P<three>.{1,300}?)’|“(?P<four>.{1,300}?)”)(?!\w)",
    re.DOTALL,
)
_TITLE_PARTS = re.compile(r"\s+[-–—|·]\s+")
_MOST_WORDS = 3  # of a quoted text that names a place: longer ones are what was typed, searched for or read
_LONGEST = 2000  # characters of an event that are read

_APPLICATION = re.compile(
    "|".join(rf"(?P<a{n}>\b(?:{'|'.join(words)}))" for n, words in enumerate(_APPLICATIONS.values()))
)
_SITE = re.compile(r"\b(?P<site>" + "|".join(sorted(_SITES, key=len, reverse=True)) + r")(?:\.(?:com|ai|org|io))?\b")
_NAMES = tuple(_APPLICATIONS)


@dataclass(frozen=True, slots=True)
class Places:
    """What a text names, each in the order of the text, without duplicates: applications (a site is in the browser),
    sites, files."""

    applications: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


def places(text: str) -> Places:
    """The applications, sites and files that an event's text names; what the user typed or searched for is no place."""
    text = text[:_LONGEST]
    read = _QUOTED.sub(_named, text)
    files = [found["file"].casefold() for found in _FILE.finditer(read)]
    sites = [
        *((found.start(), found["site"].replace(" ", "")) for found in _SITE.finditer(read)),
        *((found.start(), found["name"]) for found in _DOMAIN.finditer(read) if not _FILE.search(found[0])),
        *(
            (found.start(), found["site"])
            for found in _NAMED_SITE.finditer(read)
            if found["site"].casefold() not in _NO_SITE
        ),
    ]
    named = [  # where, application, site
        *((found.start(), _NAMES[int((found.lastgroup or "a0")[1:])], "") for found in _APPLICATION.finditer(read)),
        *((where, BROWSER, site.casefold()) for where, site in sites),
    ]
    named.sort()
    return Places(
        applications=tuple(dict.fromkeys(application for _, application, _ in named)),
        sites=tuple(dict.fromkeys(site for _, _, site in named if site)),
        files=tuple(dict.fromkeys(files)),
    )


def _named(found: re.Match[str]) -> str:
    """What of a quoted text may name a place: nothing of what was typed, sought or read; of a page's title the first
    and the last part."""
    if found["said"]:
        return f"{found['said']} … "
    inside = found["one"] or found["two"] or found["three"] or found["four"] or ""
    first, *others = _TITLE_PARTS.split(inside)
    parts = (first, *others[-1:])
    return " " + " … ".join(part for part in parts if len(part.split()) <= _MOST_WORDS) + " "
