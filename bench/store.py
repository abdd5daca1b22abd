"""Results as they come, in a file that holds all of them at every moment."""

import json
import os


class Store:
    """What was measured of which row, by whom, in which round."""

    def __init__(self, path, about, resume):
        self.path = path
        self.data = {"about": about, "runs": []}
        if resume and path.exists():
            self.data = json.loads(path.read_text())
            before = self.data["about"]
            for key in ("machine", "threads", "seconds", "program"):
                if before[key] != about[key]:
                    raise ValueError(f"{path}: it was measured with another {key}: "
                                     f"{before[key]}, not {about[key]}")
            self.data["about"] = {**about, "steps": before["steps"],
                                  "commands": before["commands"] + about["commands"]}

    @classmethod
    def read(cls, path):
        store = cls(path, {}, False)
        store.data = json.loads(path.read_text())
        return store

    @property
    def about(self):
        return self.data["about"]

    def add(self, row, contestant, turn, result):
        self.data["runs"].append(
            {"row": row.name, "contestant": contestant, "round": turn, **result})
        self.save()

    def save(self):
        """Under another name first: whoever stops this finds the old file or the new one."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        part = self.path.with_suffix(".part")
        part.write_text(json.dumps(self.data, indent=1) + "\n")
        os.replace(part, self.path)

    def has(self, row, contestant, turn):
        return any(run["round"] == turn for run in self.runs(row).get(contestant, []))

    def rounds(self, rows):
        """The smallest number of rounds that one of the rows has, of those that have any."""
        return min((len(runs) for row in rows for runs in self.runs(row).values()), default=0)

    def runs(self, row):
        """{contestant: [result of each round]}"""
        found = {}
        for run in self.data["runs"]:
            if run["row"] == row.name:
                found.setdefault(run["contestant"], []).append(run)
        return found
