"""The status of a lab, for people: hosts, programs, Services."""

from k8sglue.lab.lab import Lab
from k8sglue.lab.topology import HOSTS
from k8sglue.tables import layout


def report(lab: Lab) -> tuple[str, bool]:
    """Return the text, and whether the lab is up with every program alive."""
    present = lab.namespaces.present()
    running = lab.namespaces.processes()
    programs = lab.state.programs()
    dead = [program for program in programs if running.get(program.pid) != program.host]
    whole = lab.state.up and len(present) == len(HOSTS) and not dead
    if not present and not lab.state.exists:
        return f"There is no lab {lab.name}. `{lab.typed('up')}` builds it.", False
    hosts = [
        (
            host.name,
            ",".join(host.addresses),
            lab.namespaces.of(host.name) if host.name in present else "missing",
            host.what,
        )
        for host in HOSTS
    ]
    lines = [
        (each.title, str(each.pid), "gone" if each in dead else "running", each.log) for each in programs
    ]
    text = [
        f"The lab {lab.name} is {_describe(lab, whole)}. Its files: {lab.state.folder}",
        "",
        layout(("HOST", "ADDRESSES", "NAMESPACE", "WHAT"), hosts),
        "",
        layout(("PROGRAM", "PID", "STATE", "LOG"), lines),
        "",
        lab.run_k8sglue(["get", "services", "--source", str(lab.manifests)]).output.rstrip(),
    ]
    return "\n".join(text), whole


def _describe(lab: Lab, whole: bool) -> str:
    if whole:
        return "up"
    if lab.state.up:
        return "up, but not all of it runs"
    return f"being built or shown, or left behind; `{lab.typed('down')}` removes what is left behind"
