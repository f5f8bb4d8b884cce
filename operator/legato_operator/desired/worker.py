"""The regular works as CronJobs, and the Job that brings the database's schema up to date. Pure."""

from legato_operator import names
from legato_operator.desired import pods, schedules
from legato_operator.desired.frame import Frame
from legato_operator.desired.manifest import Manifest, made
from legato_operator.resources.musicbot import Job, Worker
from legato_operator.resources.shared import Resources

COMPONENT = "worker"
MIGRATION = "migrate"
LONGEST = 1800
"""Seconds that a run may take."""


def cronjobs(frame: Frame) -> list[Manifest]:
    """Make one CronJob for each regular work whose schedule can be read."""
    jobs = frame.spec.worker.jobs
    return [_cronjob(frame, job) for job in jobs if not schedules.fault(job.schedule)]


def faults(spec: Worker) -> tuple[str, ...]:
    """Say in a sentence which schedules can't be read."""
    found = ((job.name, schedules.fault(job.schedule)) for job in spec.jobs)
    return tuple(f"The schedule of {name} can't be read: {why}." for name, why in found if why)


def migration(frame: Frame) -> Manifest:
    """Make the Job of this release; its name carries what it is made of, since Jobs are final."""
    spec = frame.spec
    database, files = frame.connected("DATABASE", spec.database)
    shape = pods.Shape(
        component=MIGRATION,
        image=frame.image(COMPONENT),
        args=("migrate",),
        resources=Resources(cpu="100m"),
        env=database,
        files=files,
        account=names.joined(frame.name, "services"),
        restart="OnFailure",
    )
    labels = names.of_bot(frame.name, MIGRATION)
    secrets = frame.secrets_hash(*pods.secret_refs(spec.database))
    body = {
        "backoffLimit": 6,
        "activeDeadlineSeconds": LONGEST,
        "template": pods.template(
            shape, spec.pod_template, labels=labels, selector=labels, secrets=secrets
        ),
    }
    revision = names.revision(body)
    name = names.joined(frame.name, MIGRATION, revision)
    manifest = made("batch/v1", "Job", name, frame.owner, labels | {names.REVISION: revision})
    manifest["spec"] = body
    return manifest


def _cronjob(frame: Frame, job: Job) -> Manifest:
    labels = names.of_bot(frame.name, COMPONENT, job=job.name)
    name = names.joined(frame.name, job.name)
    manifest = made("batch/v1", "CronJob", name, frame.owner, labels)
    manifest["spec"] = {
        "schedule": job.schedule,
        "timeZone": "Etc/UTC",
        "suspend": job.suspend,
        "concurrencyPolicy": "Forbid",
        "startingDeadlineSeconds": 300,
        "successfulJobsHistoryLimit": job.successful_history,
        "failedJobsHistoryLimit": job.failed_history,
        "jobTemplate": {
            "metadata": {"labels": labels},
            "spec": {
                "backoffLimit": 2,
                "activeDeadlineSeconds": LONGEST,
                "template": _template(frame, job, labels),
            },
        },
    }
    return manifest


def _template(frame: Frame, job: Job, labels: names.Labels) -> Manifest:
    spec = frame.spec
    redis, redis_files = frame.connected("REDIS", spec.redis)
    database, database_files = frame.connected("DATABASE", spec.database)
    shape = pods.Shape(
        component=COMPONENT,
        image=frame.image(COMPONENT),
        args=(COMPONENT, "run", job.name),
        resources=spec.worker.resources,
        env=(*redis, *database, *pods.said(DISCORD_APPLICATION_ID=spec.application_id)),
        files=(*redis_files, *database_files),
        account=names.joined(frame.name, "services"),
        restart="OnFailure",
    )
    used = pods.secret_refs(spec.redis, spec.database)
    return pods.template(
        shape,
        spec.pod_template,
        labels=labels,
        selector=labels,
        secrets=frame.secrets_hash(*used),
    )
