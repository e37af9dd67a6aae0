from wirespeed._channel.receive.entries import COMPACT_AT as COMPACT_AT, Entries as Entries
