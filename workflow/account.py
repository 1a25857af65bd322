"""Whether Slurm takes the account that config.yaml names, before anything is submitted.

Snakemake's plugin looks it up too, but for every job anew, and a job that was refused is tried as
often as one that failed. Imports no torch.
"""

from __future__ import annotations

import logging

from snakemake_interface_common.exceptions import WorkflowError


def refusal(account: object) -> str | None:
    """What is wrong with `account`, in one line; None if it can be charged."""
    # Of the plugin itself: what passes here cannot be refused there.
    from snakemake_executor_plugin_slurm.accounts import validate_account

    try:
        for name in str(account).replace(",", " ").split():
            validate_account(name, logging.getLogger(__name__))
    except WorkflowError as error:
        said = " ".join(str(error).split())
    except OSError as error:
        said = str(error)
    else:
        return None
    if "appears to be invalid" in said:
        return said
    return (
        f"Slurm does not say which there are; leave it out if it has no database for them. {said}"
    )
