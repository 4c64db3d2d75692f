"""Translates the SAM template to plain CloudFormation, offline: python translate.py template.yaml out.json

cfn-lint looks at the SAM text alone and misses what only the translated resources show (a circular dependency, a
visibility timeout below the function's), so CI lints both.
"""

import json
import sys

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse


class NoManagedPolicies:
    """The template names no AWS managed policy, so nothing has to be looked up in an account."""

    def load(self):
        return {}


def main(source: str, target: str) -> None:
    with open(source) as f:
        template = yaml_parse(f)
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            # The translator takes packaged code only.
            resource["Properties"]["CodeUri"] = "s3://bucket/key"
    parameters = {k: v.get("Default") for k, v in template.get("Parameters", {}).items()}
    with open(target, "w") as f:
        json.dump(transform(template, parameters, NoManagedPolicies()), f, indent=1)


main(sys.argv[1], sys.argv[2])
