"""Generation: a model writes instruction/answer pairs from seeds and trusted passages.

`plan_shards` says what to ask for; `generate_shards` asks, through distilabel's tasks executed in this process, and
hands over one artifact a shard: ``records.parquet`` with every planned item, and the ledger of every attempt. A reply
is on disk before it is used, and no recorded reply is ever asked for again.
"""

from semillero.generation.plan import ShardPlan, plan_shards
from semillero.generation.shards import VERSION, generate_shards

__all__ = ["VERSION", "ShardPlan", "generate_shards", "plan_shards"]
