"""Being a witness, and asking witnesses: does this checkpoint extend the last one that was seen?"""

from .client import WitnessClient, WitnessRefused
from .folder import WitnessFolder, create_witness
from .witness import Answer, Witness

__all__ = ["Answer", "Witness", "WitnessClient", "WitnessFolder", "WitnessRefused", "create_witness"]
