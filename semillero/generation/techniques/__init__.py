"""The techniques: one file each. To add one, write its file and put it into this dictionary; see docs/techniques.md."""

from semillero.generation.technique import Technique
from semillero.generation.techniques.backtranslation import BACKTRANSLATION
from semillero.generation.techniques.candidates import CANDIDATES
from semillero.generation.techniques.conversation import CONVERSATION
from semillero.generation.techniques.critique import CRITIQUE
from semillero.generation.techniques.evolved import EVOLVED
from semillero.generation.techniques.grounded import GROUNDED
from semillero.generation.techniques.parallel import PARALLEL
from semillero.generation.techniques.persona import PERSONA
from semillero.generation.techniques.self_instruct import SELF_INSTRUCT

# In the order of the project file's keys: shares are divided in it.
TECHNIQUES: dict[str, Technique] = {
    technique.name: technique
    for technique in (
        BACKTRANSLATION,
        SELF_INSTRUCT,
        EVOLVED,
        GROUNDED,
        PERSONA,
        PARALLEL,
        CONVERSATION,
        CRITIQUE,
        CANDIDATES,
    )
}
