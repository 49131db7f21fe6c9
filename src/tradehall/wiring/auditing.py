"""What signs the audit's exports: a key of its own, which follows from the key of the house."""

from tradehall.adapters.data_folder import DataFolder
from tradehall.adapters.house_key import house_key
from tradehall.adapters.signatures import Ed25519Signer
from tradehall.app.identity.secrets import HouseSecrets
from tradehall.ports.signing import Signer


def make_signer(folder: DataFolder) -> Signer:
    """The signer of the house in `folder`, whose key is made on the first call. HouseKeyRefused."""
    return Ed25519Signer(HouseSecrets(house_key(folder.house_key)).audit)
