"""A merchant's program on the client that openapi-python-client generates; mypy reads it too."""

import sys

from tongqian_client import AuthenticatedClient
from tongqian_client.api.orders import create_order, list_orders
from tongqian_client.models.create_order import CreateOrder
from tongqian_client.models.create_order_metadata_type_0 import CreateOrderMetadataType0
from tongqian_client.models.error_body import ErrorBody
from tongqian_client.models.error_code import ErrorCode
from tongqian_client.models.order import Order
from tongqian_client.models.order_page import OrderPage
from tongqian_client.models.order_status import OrderStatus

client = AuthenticatedClient(base_url=sys.argv[1], token=sys.argv[2])
metadata = CreateOrderMetadataType0.from_dict({"plan": "team", "seats": 3})
order = CreateOrder(order_no="typed-py-1", user_id="u-7", subject="专业版", amount=9990, metadata=metadata)
made = create_order.sync(client=client, body=order)
assert isinstance(made, Order), made
assert made.status is OrderStatus.PENDING and made.metadata is not None
print(f"ordered: {made.status.value} {made.metadata.to_dict()['plan']}")

order.amount = 1
again = create_order.sync(client=client, body=order)
assert isinstance(again, ErrorBody), again
print(f"refused: {again.error.code.value if again.error.code is ErrorCode.ORDER_NO_REUSED else 'not'}")

page = list_orders.sync(client=client, status=OrderStatus.PENDING, limit=1)
assert isinstance(page, OrderPage) and len(page.data) == 1, page
