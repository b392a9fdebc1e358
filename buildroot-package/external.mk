include $(sort $(wildcard $(BR2_EXTERNAL_ES_IOT_PATH)/package/*/*.mk))
