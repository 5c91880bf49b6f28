"""What a text says, as values."""

from dataclasses import dataclass
from enum import Enum
from typing import Literal


class Certainty(Enum):
    """How a phrase stands to what it names."""

    ASSERTED = "asserted"
    #: "suspicious for", "rule out", "consistent with", "?", "cannot be excluded".
    UNCERTAIN = "uncertain"
    NEGATED = "negated"


class Section(Enum):
    """The part of a report in which a phrase stands."""

    DIAGNOSIS = "diagnosis"
    MICROSCOPY = "microscopy"
    SYNOPTIC = "synoptic"
    COMMENT = "comment"
    ADDENDUM = "addendum"
    CLINICAL = "clinical"  # clinical history or indication: what was asked, not what was found
    GROSS = "gross"
    #: A text without headings (a problem's text, a one-line conclusion).
    BODY = "body"


#: Topics and their values:
#:
#: ``tumour``      "leiomyosarcoma", "aismn" (atypical intradermal smooth muscle neoplasm);
#: ``mimic``       the name of the other lesion: "leiomyoma", "dermatofibroma", "carcinoma",
#:                 "melanoma", "other-sarcoma", "smooth-muscle-neoplasm", …;
#: ``layer``       "skin", "dermis", "subcutis", "deep" (muscle, fascia, bone): where a thing is;
#: ``organ``       a site that excludes a primary of the skin: "uterus", "retroperitoneum",
#:                 "viscera", "vessel", "bone";
#: ``region``      a body region of regions.toml ("thigh");
#: ``side``        "left", "right", "bilateral";
#: ``depth``       "dermal", "subcutaneous", "deep": how deep *the tumour* is said to reach;
#: ``margin``      "positive", "negative"; detail: "deep", "peripheral" or None;
#: ``width``       closest distance to a margin in mm (float); detail as for margin; bound "<",
#:                 ">", or None;
#: ``grade``       1, 2, 3 (FNCLCC or G), or "low", "intermediate", "high";
#: ``size``        greatest dimension in mm (float);
#: ``recurrence``  "local";
#: ``metastasis``  "distant", "nodal", or "to-skin" (the skin lesion is itself a metastasis);
#: ``residual``    "tumour" (usually negated: "no residual leiomyosarcoma");
#: ``procedure``   "biopsy", "excision", "wide-excision", "re-excision", "mohs",
#:                 "radiotherapy", "systemic-therapy", "excisional-biopsy";
#: ``hlrcc``       "syndrome", "fh-pathogenic", "fh-vus", "fh-negative", "fh-somatic",
#:                 "fh-deficient" (FH lost on staining, or 2SC positive), "fh-retained";
#: ``leiomyoma``   "single", "multiple", "unspecified"; detail: "skin", "uterus" or None;
#: ``multiplicity`` "multiple" (of the lesion that the text is about);
#: ``followup``    "sarcoma" (the text names sarcoma or tumour follow-up).
Topic = Literal[
    "tumour",
    "mimic",
    "layer",
    "organ",
    "region",
    "side",
    "depth",
    "margin",
    "width",
    "grade",
    "size",
    "recurrence",
    "metastasis",
    "residual",
    "procedure",
    "hlrcc",
    "leiomyoma",
    "multiplicity",
    "followup",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """One thing that a phrase of a text says."""

    topic: Topic
    value: str | float
    certainty: Certainty = Certainty.ASSERTED
    #: A refinement of the value; see the list of topics.
    detail: str | None = None
    bound: Literal["<", ">"] | None = None
    #: "family" where the phrase is about a relative.
    about: Literal["patient", "family"] = "patient"
    #: The phrase speaks of the past ("history of", "status post", "Z.n.").
    history: bool = False
    section: Section = Section.BODY
    #: The specimen's letter or number where the report has several ("A", "B").
    part: str | None = None
    #: The phrase's sentence or line, as it stands in the text, white space collapsed.
    quote: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything that one text says, in the order of the text."""

    mentions: tuple[Mention, ...] = ()

    def of(self, *topics: Topic) -> tuple[Mention, ...]:
        """Return the mentions of these topics."""
        return tuple(mention for mention in self.mentions if mention.topic in topics)
