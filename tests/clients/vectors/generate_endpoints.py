#!/usr/bin/env python3
"""Writes endpoints.json: the host botocore's rule sets give for each service, region and variant.

Run it by hand: python3 generate_endpoints.py > endpoints.json
"""
import json
import sys

import botocore.session
from botocore.endpoint_provider import EndpointProvider

REGIONS = ["eu-west-1", "us-east-1", "us-gov-west-1", "cn-north-1", "us-iso-east-1",
           "us-isob-east-1", "eu-isoe-west-1", "us-isof-south-1", "eusc-de-east-1"]

loader = botocore.session.get_session().get_component("data_loader")
partitions = loader.load_data("partitions")
rows = []
for service in ("secretsmanager", "sts", "rds"):
    provider = EndpointProvider(loader.load_service_model(service, "endpoint-rule-set-1"), partitions)
    regional = {"UseGlobalEndpoint": False} if service == "sts" else {}
    for region in REGIONS:
        for fips in (False, True):
            for dualstack in (False, True):
                endpoint = provider.resolve_endpoint(
                    Region=region, UseFIPS=fips, UseDualStack=dualstack, **regional)
                rows.append({"service": service, "region": region, "fips": fips,
                             "dualstack": dualstack, "url": endpoint.url + "/"})
json.dump(rows, sys.stdout, indent=0)
print()
